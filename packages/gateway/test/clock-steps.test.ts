import assert from "node:assert/strict";
import { test } from "node:test";
import { openLedger } from "@atoma/ledger";
import { identifier } from "../src/generate/identify.ts";
import { openRefusedKeys } from "../src/generate/refused-keys.ts";
import { manualClock } from "./support/manual-clock.ts";

const HOUR = 3_600_000;

/** A key of a ledger, on a clock that only the test moves. */
async function world() {
  const clock = manualClock();
  const ledger = await openLedger("sqlite::memory:", { now: clock.now });
  const account = await ledger.createAccount({ name: "a" });
  const { key, record } = await ledger.createKey({
    accountId: account.id,
    name: "k",
    limits: { requestsPerMinute: 1 },
  });
  const authorization = `Bearer ${key}`;
  const request = { method: "POST", headers: { authorization }, rawHeaders: ["Authorization", authorization] };
  return { clock, ledger, record, request, [Symbol.asyncDispose]: ledger.close };
}

for (const step of [-HOUR, HOUR]) {
  test(`a revoked key is refused after a second, also when the clock has stepped by ${step} ms meanwhile`, async () => {
    await using there = await world();
    const identify = identifier(there.ledger, there.clock);
    assert.equal((await identify(there.request)).id, there.record.id);
    await there.ledger.revokeKey(there.record.id);
    there.clock.step(step);
    await there.clock.advance(1_000);
    await assert.rejects(identify(there.request), { status: 401 });
  });

  test(`a key that was refused for its limit is kept out as long as was said, with a step of ${step} ms`, async () => {
    await using there = await world();
    const refused = openRefusedKeys(there.clock);
    refused.note(there.record.id, 1, 60_000);
    there.clock.step(step);
    await there.clock.advance(59_999);
    assert.throws(() => refused.check(there.record), { status: 429 });
    await there.clock.advance(1);
    refused.check(there.record);
  });
}

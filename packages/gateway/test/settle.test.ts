import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { newHoldId, openLedger } from "@atoma/ledger";
import { charge } from "../src/generate/settle.ts";
import { manualClock } from "./support/manual-clock.ts";

const patience = { ms: 0, signal: new AbortController().signal, clock: manualClock() };

/** A ledger with one hold, whose deadline comes in a minute. */
async function world() {
  const clock = { now: Date.now() };
  const ledger = await openLedger("sqlite::memory:", { now: () => clock.now });
  const account = await ledger.createAccount({ name: "a" });
  await ledger.grant(account.id, 100, { reference: "r" });
  const { record } = await ledger.createKey({ accountId: account.id, name: "k" });
  const holdId = newHoldId(clock.now, randomBytes);
  const reserved = await ledger.reserve({
    holdId,
    accountId: account.id,
    keyId: record.id,
    requestId: "r",
    model: "m",
    images: 1,
    units: 10,
    price: {},
    deadline: clock.now + 60_000,
  });
  assert.equal(reserved.outcome, "held");
  return { ledger, clock, settlement: { holdId, units: 10, response: "{}" }, [Symbol.asyncDispose]: ledger.close };
}

test("a hold that was let go is never paid for with a picture", async () => {
  await using voided = await world();
  await voided.ledger.void(voided.settlement);
  await assert.rejects(charge(voided.ledger, voided.settlement, patience), {
    status: 503,
    code: "interrupted",
    headers: { "retry-after": "1", "retry-after-ms": "1000" },
  });
  await using expired = await world();
  expired.clock.now += 60_000;
  await expired.ledger.sweep();
  await assert.rejects(charge(expired.ledger, expired.settlement, patience), { status: 504, code: "timeout" });
});

test("who asks twice is charged once", async () => {
  await using once = await world();
  await charge(once.ledger, once.settlement, patience);
  await charge(once.ledger, once.settlement, patience);
  assert.deepEqual(await once.ledger.verify(), []);
  const [row] = await once.ledger.usage({ from: "2000-01-01", to: "2100-01-01" });
  assert.equal(row?.units, 10);
});

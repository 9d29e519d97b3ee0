import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { newHoldId, openLedger } from "@atoma/ledger";
import { sweepLedger } from "../src/holds/sweep.ts";

test("one sweep takes all that is due, however much that is, and lets others have their turn meanwhile", async () => {
  const clock = { now: Date.now() };
  const ledger = await openLedger("sqlite::memory:", { now: () => clock.now });
  const account = await ledger.createAccount({ name: "a" });
  await ledger.grant(account.id, 10_000, { reference: "r" });
  const { record } = await ledger.createKey({ accountId: account.id, name: "k" });
  const hold = (index: number) => ({
    holdId: newHoldId(clock.now, randomBytes),
    accountId: account.id,
    keyId: record.id,
    requestId: "r",
    model: "m",
    images: 1,
    units: 1,
    price: {},
    deadline: clock.now + 1,
    idempotency: { key: `${index}`, fingerprint: "f" },
  });
  const count = 2_600;
  const held = await Promise.all(Array.from({ length: count }, (_, index) => ledger.reserve(hold(index))));
  assert.ok(held.every(({ outcome }) => outcome === "held"));
  clock.now += 1;
  let turns = 0;
  const another = () => {
    turns++;
    other = setImmediate(another);
  };
  let other = setImmediate(another);
  await sweepLedger(ledger, () => false);
  clearImmediate(other);
  const { pending, available } = (await ledger.getAccount(account.id)) ?? assert.fail();
  assert.deepEqual([pending, available], [0, 10_000]);
  assert.ok(turns >= 2, `${turns} turns of others`);
  await ledger.close();
});

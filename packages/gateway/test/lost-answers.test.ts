import assert from "node:assert/strict";
import { test } from "node:test";
import { errors } from "@atoma/contract";
import { type HoldId, type Ledger, LedgerUnavailableError, openLedger } from "@atoma/ledger";
import { settle } from "../src/steps/settle.ts";

/** A real ledger, one of whose methods does its work and then loses the answer. */
async function world(method: "settle" | "none") {
  const ledger = await openLedger("sqlite::memory:");
  const account = await ledger.createAccount({ name: "a" });
  await ledger.grant(account.id, 100, { reference: "r" });
  const { record } = await ledger.createKey({ accountId: account.id, name: "k" });
  // The form of the id is checked by the ledger.
  const holdId = "hold_0000000000000000000000001" as HoldId;
  const reserved = await ledger.reserve({
    holdId,
    accountId: account.id,
    keyId: record.id,
    requestId: "r",
    model: "m",
    images: 1,
    units: 10,
    price: {},
    deadline: Date.now() + 60_000,
  });
  assert.equal(reserved.outcome, "held");
  const lossy: Ledger = {
    ...ledger,
    async settle(settlement) {
      const result = await ledger.settle(settlement);
      if (method === "settle") throw new LedgerUnavailableError("timeout", "lost");
      return result;
    },
  };
  return { ledger, lossy, holdId, account: account.id };
}

test("a settlement whose answer is lost counts as what it was: charged, so the picture is sent", async () => {
  const { ledger, lossy, holdId, account } = await world("settle");
  await settle(lossy, holdId, 10, "{}");
  assert.equal((await ledger.getAccount(account))?.posted, 10);
  await ledger.close();
});

test("a ledger that is away at settlement leaves nothing charged", async () => {
  const { ledger, holdId, account } = await world("none");
  const away: Ledger = {
    ...ledger,
    settle: () => Promise.reject(new LedgerUnavailableError("connection", "away")),
  };
  await assert.rejects(settle(away, holdId, 10, "{}"), LedgerUnavailableError);
  const { posted, pending } = (await ledger.getAccount(account)) ?? {};
  assert.deepEqual([posted, pending], [0, 0]);
  await ledger.close();
});

test("a hold that is no longer held is never paid for with a picture", async () => {
  const { ledger, holdId } = await world("none");
  await ledger.void({ holdId });
  await assert.rejects(settle(ledger, holdId, 10, "{}"), { status: errors.internal().status });
  await ledger.close();
});

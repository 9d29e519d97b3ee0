import assert from "node:assert/strict";
import { it } from "node:test";
import { accountIdFrom } from "../../src/index.ts";
import type { World } from "../support/world.ts";

export function accountTests(world: () => World): void {
  it("grants once for a reference, however often and from wherever it is asked", async () => {
    const { a, b, customer } = world();
    const { accountId } = await customer(0);
    const ask = (index: number) => (index % 2 === 0 ? a : b).grant(accountId, 500, { reference: "invoice 7" });
    const grants = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(index)));
    assert.equal(grants.filter(({ alreadyGranted }) => !alreadyGranted).length, 1);
    for (const { account } of grants) assert.equal(account.available, 500);
    await assert.rejects(a.grant(accountId, 501, { reference: "invoice 7" }), { code: "grant_reference_reused" });
    assert.equal((await a.grant(accountId, 501, { reference: "invoice 8" })).account.credits, 1_001);
  });

  it("counts to 2^53 − 1 and no further", async () => {
    const { a, customer, hold } = world();
    const someone = await customer(Number.MAX_SAFE_INTEGER);
    await assert.rejects(a.grant(someone.accountId, 1, { reference: "more" }), { code: "balance_overflow" });
    const holdId = await hold(someone, { units: Number.MAX_SAFE_INTEGER });
    await a.settle({ holdId, units: Number.MAX_SAFE_INTEGER - 1 });
    assert.equal((await a.getAccount(someone.accountId))?.available, 1);
    assert.deepEqual(await a.verify(), []);
  });

  it("takes whole positive units only", async () => {
    const { a, customer, request, hold } = world();
    const someone = await customer(100);
    for (const units of [0, -1, 1.5, Number.NaN, 2 ** 53, Infinity]) {
      await assert.rejects(a.grant(someone.accountId, units, { reference: "r" }), { code: "invalid_argument" });
      await assert.rejects(a.reserve(request(someone, { units })), { code: "invalid_argument" });
    }
    const holdId = await hold(someone);
    await assert.rejects(a.settle({ holdId, units: 0 }), { code: "invalid_argument" });
    await assert.rejects(a.reserve(request(someone, { images: 0 })), { code: "invalid_argument" });
    await assert.rejects(a.reserve(request(someone, { model: "nul\0" })), { code: "invalid_argument" });
    const spaces = { key: "with space", fingerprint: "f" };
    await assert.rejects(a.reserve(request(someone, { idempotency: spaces })), { code: "invalid_argument" });
  });

  it("finds and lists accounts, and says when there is none", async () => {
    const { a, b, customer } = world();
    const { accountId } = await customer(5);
    assert.equal((await b.getAccount(accountId))?.name, "a customer");
    const nobody = accountIdFrom("acct_nobody");
    assert.equal(await a.getAccount(nobody), undefined);
    await assert.rejects(a.grant(nobody, 1, { reference: "r" }), { code: "account_not_found" });
    await assert.rejects(a.createKey({ accountId: nobody, name: "k" }), { code: "account_not_found" });
    const first = await a.listAccounts({ limit: 2 });
    const second = await a.listAccounts({ limit: 2, after: first[1]?.id });
    const ids = [...first, ...second].map(({ id }) => id);
    assert.equal(ids.length, 4);
    assert.deepEqual(ids, [...new Set(ids)].sort());
  });

  it("ends all sessions of a realm at a moment, for every gateway", async () => {
    const { a, b, clock } = world();
    assert.equal(await b.sessionsEndedAt("some-page"), undefined);
    await a.endSessions("some-page", { actor: "me" });
    assert.equal(await b.sessionsEndedAt("some-page"), clock.now);
    clock.now += 5;
    await b.endSessions("some-page");
    assert.equal(await a.sessionsEndedAt("some-page"), clock.now);
    // Each end is after the one before, so that it can be told which sessions are from between them.
    const before = clock.now;
    clock.now -= 3_600_000;
    await a.endSessions("some-page", { actor: "me" });
    assert.equal(await b.sessionsEndedAt("some-page"), before + 1);
    clock.now = before;
    const [audit] = await a.listAudit({ limit: 1 });
    assert.deepEqual([audit?.action, audit?.subject], ["session.end_all", "some-page"]);
    await assert.rejects(a.endSessions("with space"), { code: "invalid_argument" });
  });

  it("adds up usage by day, account, key and model", async () => {
    const { a, customer, hold, clock } = world();
    clock.now = Math.max(clock.now, Date.UTC(2026, 5, 1, 23, 59, 59));
    const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
    const someone = await customer(1_000);
    const second = await a.createKey({ accountId: someone.accountId, name: "second" });
    const charge = async (units: number, changes = {}) =>
      a.settle({ holdId: await hold(someone, { units: 50, ...changes }), units });
    const today = day(clock.now);
    await Promise.all([charge(1), charge(2, { images: 3 }), charge(4, { model: "large" })]);
    await charge(8, { keyId: second.record.id });
    await a.void({ holdId: await hold(someone) });
    clock.now += 86_400_000;
    const tomorrow = day(clock.now);
    await charge(16);

    const { accountId, keyId } = someone;
    const rows = await a.usage({ accountId, from: today, to: tomorrow });
    const short = rows.map((row) => [row.day, row.keyId === keyId, row.model, row.requests, row.images, row.units]);
    assert.deepEqual(
      new Set(short.map(String)),
      new Set([
        `${today},true,tiny,2,4,3`,
        `${today},true,large,1,1,4`,
        `${today},false,tiny,1,1,8`,
        `${tomorrow},true,tiny,1,1,16`,
      ]),
    );
    const units = async (filter: object) =>
      (await a.usage({ accountId, from: today, to: today, ...filter })).reduce((sum, row) => sum + row.units, 0);
    assert.deepEqual(await Promise.all([units({}), units({ keyId }), units({ model: "large" })]), [15, 7, 4]);
    await assert.rejects(a.usage({ from: "yesterday", to: today }), { code: "invalid_argument" });
  });

  it("logs every administrative action with its actor", async () => {
    const { a, b, clock } = world();
    const account = await a.createAccount({ name: "audited", actor: "ada" });
    await a.grant(account.id, 9, { reference: "r", memo: "a gift", actor: "bob" });
    const { record } = await a.createKey({ accountId: account.id, name: "k" });
    await b.revokeKey(record.id, { actor: "eve" });
    const own = await a.appendAudit({ actor: "ada", action: "node.drain", subject: "node 1", details: { by: "hand" } });
    const log = await b.listAudit({ limit: 5 });
    assert.deepEqual(
      log.map(({ actor, action, subject }) => [actor, action, subject]),
      [
        ["ada", "node.drain", "node 1"],
        ["eve", "key.revoke", record.id],
        ["system", "key.create", record.id],
        ["bob", "account.grant", account.id],
        ["ada", "account.create", account.id],
      ],
    );
    assert.deepEqual(log[0], own);
    assert.deepEqual(log[3]?.details, { units: 9, reference: "r", memo: "a gift" });
    assert.equal(log[0]?.at, clock.now);
    assert.deepEqual((await b.listAudit({ after: own.seq, limit: 1 }))[0]?.action, "key.revoke");
  });

  it("does not log, nor do, half of an action", async () => {
    const { a, customer } = world();
    const { accountId } = await customer(5);
    const before = await a.listAudit({ limit: 1 });
    await assert.rejects(a.grant(accountId, 6, { reference: "first" }), { code: "grant_reference_reused" });
    assert.deepEqual(await a.listAudit({ limit: 1 }), before);
  });
}

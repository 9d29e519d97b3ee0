import assert from "node:assert/strict";
import { it } from "node:test";
import { type HoldFilter, type HoldPage, holdIdFrom, LedgerInputError } from "../../src/index.ts";
import { countOutcomes, createWorld, type World } from "../support/world.ts";

const done = (outcome: string, units: number) => ({ outcome, units, alreadyResolved: false });
const already = (outcome: string, units: number) => ({ outcome, units, alreadyResolved: true });

export function holdTests(world: () => World): void {
  it("holds, charges part of it and gives the rest back", async () => {
    const { a, customer, request, clock } = world();
    const someone = await customer(100);
    const asked = request(someone, { units: 40, images: 2 });
    assert.deepEqual(await a.reserve(asked), {
      outcome: "held",
      holdId: asked.holdId,
      available: 60,
      limits: { requests: null, images: null, concurrency: null },
    });
    const held = await a.getAccount(someone.accountId);
    assert.deepEqual([held?.credits, held?.posted, held?.pending, held?.available], [100, 0, 40, 60]);
    assert.equal((await a.getHold(asked.holdId))?.state, "held");

    assert.deepEqual(await a.settle({ holdId: asked.holdId, units: 30 }), done("posted", 30));
    const settled = await a.getAccount(someone.accountId);
    assert.deepEqual([settled?.credits, settled?.posted, settled?.pending, settled?.available], [100, 30, 0, 70]);
    assert.deepEqual(await a.getHold(asked.holdId), {
      id: asked.holdId,
      accountId: someone.accountId,
      keyId: someone.keyId,
      requestId: "req_1",
      model: "tiny",
      images: 2,
      units: 40,
      price: { multiplier: 1000, size: "1x10" },
      createdAt: clock.now,
      deadline: clock.now + 60_000,
      idempotencyKey: null,
      state: "posted",
      postedUnits: 30,
      resolvedAt: clock.now,
    });
    assert.deepEqual(await a.verify(), []);
  });

  it("gives all of it back when it is voided", async () => {
    const { a, customer, hold } = world();
    const someone = await customer(10);
    const holdId = await hold(someone);
    assert.deepEqual(await a.void({ holdId }), done("voided", 0));
    const account = await a.getAccount(someone.accountId);
    assert.deepEqual([account?.posted, account?.pending, account?.available], [0, 0, 10]);
  });

  it("takes the last unit, and not one more", async () => {
    const { a, customer, request } = world();
    const someone = await customer(10);
    assert.deepEqual(await a.reserve(request(someone, { units: 11 })), {
      outcome: "insufficient_balance",
      available: 10,
    });
    assert.equal((await a.reserve(request(someone, { units: 10 }))).outcome, "held");
    assert.deepEqual(await a.reserve(request(someone, { units: 1 })), {
      outcome: "insufficient_balance",
      available: 0,
    });
  });

  it("resolves a hold once and then says how it stands", async () => {
    const { a, b, customer, hold } = world();
    const someone = await customer(100);
    const posted = await hold(someone);
    await a.settle({ holdId: posted, units: 7 });
    assert.deepEqual(await b.settle({ holdId: posted, units: 7 }), already("posted", 7));
    assert.deepEqual(await b.settle({ holdId: posted, units: 9 }), already("posted", 7));
    assert.deepEqual(await b.void({ holdId: posted }), already("posted", 7));
    const voided = await hold(someone);
    await b.void({ holdId: voided });
    assert.deepEqual(await a.settle({ holdId: voided, units: 7 }), already("voided", 0));
    assert.deepEqual(await a.settle({ holdId: holdIdFrom("hold_unknown"), units: 1 }), { outcome: "not_found" });
    assert.deepEqual(await a.void({ holdId: holdIdFrom("hold_unknown") }), { outcome: "not_found" });
    assert.equal((await a.getAccount(someone.accountId))?.available, 93);
  });

  it("lets the first of several resolutions win, in one batch and across gateways", async () => {
    const { a, b, customer, hold } = world();
    const someone = await customer(100);
    const holdId = await hold(someone);
    const together = await Promise.all([
      a.settle({ holdId, units: 4 }),
      a.void({ holdId }),
      a.settle({ holdId, units: 5 }),
    ]);
    assert.deepEqual(together, [done("posted", 4), already("posted", 4), already("posted", 4)]);

    const contested = await hold(someone);
    const ledgers = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? a : b));
    const results = await Promise.all(ledgers.map((ledger) => ledger.settle({ holdId: contested, units: 6 })));
    assert.equal(results.filter((result) => "alreadyResolved" in result && !result.alreadyResolved).length, 1);
    assert.equal((await a.getAccount(someone.accountId))?.posted, 10);
  });

  it("never charges more than is held, and the operations beside it are unharmed", async () => {
    const { a, customer, hold } = world();
    const someone = await customer(100);
    const [first, second] = [await hold(someone), await hold(someone)];
    const results = await Promise.allSettled([
      a.settle({ holdId: first, units: 11 }),
      a.void({ holdId: first }),
      a.settle({ holdId: second, units: 10 }),
    ]);
    assert(results[0].status === "rejected" && results[0].reason instanceof LedgerInputError);
    assert.equal(results[0].reason.code, "units_exceed_hold");
    assert.deepEqual(results[1], { status: "fulfilled", value: done("voided", 0) });
    assert.deepEqual(results[2], { status: "fulfilled", value: done("posted", 10) });
  });

  it("expires a hold when its deadline has come, and not before", async () => {
    const { a, b, customer, hold, clock } = world();
    const someone = await customer(10);
    const holdId = await hold(someone, { deadline: clock.now + 1_000 });
    clock.now += 999;
    await b.sweep();
    assert.equal((await a.getHold(holdId))?.state, "held");
    clock.now += 1;
    assert((await b.sweep()).expired >= 1);
    assert.equal((await a.getHold(holdId))?.state, "expired");
    assert.deepEqual(await a.settle({ holdId, units: 10 }), already("expired", 0));
    assert.equal((await a.getAccount(someone.accountId))?.available, 10);
  });

  it("still settles after the deadline what no sweep has expired", async () => {
    const { a, customer, hold, clock } = world();
    const someone = await customer(10);
    const holdId = await hold(someone, { deadline: clock.now + 1_000 });
    clock.now += 5_000;
    assert.deepEqual(await a.settle({ holdId, units: 10 }), done("posted", 10));
    await a.sweep();
    assert.equal((await a.getHold(holdId))?.state, "posted");
  });

  it("sweeps from several gateways at once and expires each hold once", async () => {
    const { a, b, customer, request, clock } = world();
    const someone = await customer(10_000);
    const many = Array.from({ length: 300 }, () => a.reserve(request(someone, { deadline: clock.now + 10 })));
    await Promise.all(many);
    clock.now += 10;
    const sweeps = await Promise.all([a.sweep(), b.sweep(), a.sweep(), b.sweep()]);
    assert.equal(
      sweeps.reduce((sum, { expired }) => sum + expired, 0),
      300,
    );
    assert.equal((await a.getAccount(someone.accountId))?.pending, 0);
  });

  it("bounds what one sweep does and says that more is left", async () => {
    const { a, customer, request, clock } = world();
    const someone = await customer(10_000);
    await Promise.all(Array.from({ length: 510 }, () => a.reserve(request(someone, { deadline: clock.now + 10 }))));
    clock.now += 10;
    assert.deepEqual(await a.sweep(), { expired: 500, more: true });
    assert.equal((await a.sweep()).expired, 10);
  });

  it("gives the same hold for the same reservation again, and refuses its id to another", async () => {
    const { a, b, customer, request } = world();
    const someone = await customer(100);
    const asked = request(someone);
    const [first, second] = await Promise.all([a.reserve(asked), a.reserve(asked)]);
    assert.deepEqual([first.outcome, second.outcome], ["held", "held"]);
    assert.equal((await b.reserve(asked)).outcome, "held");
    assert.equal((await a.getAccount(someone.accountId))?.pending, 10);
    await assert.rejects(a.reserve({ ...asked, units: 11 }), { name: "LedgerInputError", code: "hold_id_reused" });
    await a.settle({ holdId: asked.holdId, units: 10 });
    await assert.rejects(a.reserve(asked), { code: "hold_id_reused" });
  });

  it("holds exactly ten of 1,000 parallel requests when there is balance for ten", async () => {
    const { a, b, customer, request } = world();
    const someone = await customer(100);
    const many = Array.from({ length: 1_000 }, (_, index) => (index % 2 === 0 ? a : b).reserve(request(someone)));
    const results = await Promise.all(many);
    assert.deepEqual(countOutcomes(results), { held: 10, insufficient_balance: 990 });
    const holds = results.flatMap((result) => (result.outcome === "held" ? [result.holdId] : []));
    await Promise.all(holds.map((holdId, index) => (index % 2 === 0 ? a : b).settle({ holdId, units: 10 })));
    const account = await a.getAccount(someone.accountId);
    assert.deepEqual([account?.available, account?.posted, account?.pending], [0, 100, 0]);
    assert.deepEqual(await a.verify(), []);
  });

  it("serves gateways that lock the same accounts in different orders", async () => {
    const { a, b, customer, request } = world();
    const customers = await Promise.all(Array.from({ length: 8 }, () => customer(100_000)));
    for (let round = 0; round < 5; round++) {
      const left = customers.map((someone) => a.reserve(request(someone)));
      const right = customers.toReversed().map((someone) => b.reserve(request(someone)));
      const results = await Promise.all([...left, ...right]);
      const holds = results.flatMap((result) => (result.outcome === "held" ? [result.holdId] : []));
      assert.equal(holds.length, 16);
      await Promise.all(holds.map((holdId, index) => (index % 3 === 0 ? a : b).settle({ holdId, units: 1 })));
    }
    for (const someone of customers) assert.equal((await b.getAccount(someone.accountId))?.posted, 10);
  });

  it("lists holds, newest first, by account, key and state, a page at a time", async () => {
    const { a, customer, hold, clock } = world();
    const someone = await customer(1_000);
    const ids = [];
    for (let index = 0; index < 5; index++) {
      clock.now += 1;
      ids.unshift(await hold(someone));
    }
    await a.void({ holdId: ids[1] ?? holdIdFrom("none") });
    const { accountId, keyId } = someone;
    const list = async (filter: HoldFilter) => {
      const { holds, next } = await a.listHolds(filter);
      return [holds.map(({ id }) => id), next];
    };
    assert.deepEqual(await list({ accountId }), [ids, null]);
    assert.deepEqual(await list({ keyId, limit: 2 }), [ids.slice(0, 2), ids[1]]);
    assert.deepEqual(await list({ accountId, before: ids[1], limit: 2 }), [ids.slice(2, 4), ids[3]]);
    assert.deepEqual(await list({ accountId, state: "voided" }), [ids.slice(1, 2), null]);
    assert.deepEqual(await list({ accountId, state: "held", limit: 2 }), [[ids[0], ids[2]], ids[2]]);
    await assert.rejects(a.listHolds({ limit: 0 }), { code: "invalid_argument" });
  });

  it("looks through a bounded part of the holds at a time, and leaves none out", async () => {
    const other = await world().database.another();
    const { a, customer, hold, clock, close } = await createWorld(other);
    try {
      const [rare, busy] = [await customer(100), await customer(100)];
      clock.now = 0;
      const oldest = await hold(rare);
      const many = `
        WITH RECURSIVE numbers (n) AS (SELECT 10000 UNION ALL SELECT n + 1 FROM numbers WHERE n < 55000)
        SELECT 'hold_1' || n AS id FROM numbers`;
      await other.keepVoided(many, busy.accountId);
      const { accountId } = rare;
      const pages: HoldPage[] = [await a.listHolds({ accountId })];
      for (let next = pages[0]?.next ?? null; next !== null; next = pages.at(-1)?.next ?? null) {
        assert(pages.push(await a.listHolds({ accountId, before: next })) < 10);
      }
      assert.deepEqual(
        pages.map(({ holds }) => holds.map(({ id }) => id)),
        [[], [], [oldest]],
      );
    } finally {
      await close();
      await other.stop();
    }
  });
}

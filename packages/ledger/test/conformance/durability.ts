import assert from "node:assert/strict";
import { it } from "node:test";
import { openLedger } from "../../src/index.ts";
import { createWorld, type World } from "../support/world.ts";

export function durabilityTests(world: () => World): void {
  it("finds what does not add up", async () => {
    const other = await world().database.another();
    const { a, customer, hold, close } = await createWorld(other);
    try {
      const someone = await customer(100);
      const posted = await hold(someone);
      await a.settle({ holdId: posted, units: 10 });
      await hold(someone);
      assert.deepEqual(await a.verify(), []);
      const subject = someone.accountId;
      const tamper = async (sql: string, undo: string, expected: object[]) => {
        await other.execute(sql);
        assert.deepEqual(await a.verify(), expected, sql);
        await other.execute(undo);
        assert.deepEqual(await a.verify(), []);
      };
      await tamper("UPDATE accounts SET credits = credits + 1", "UPDATE accounts SET credits = credits - 1", [
        { what: "credits", subject, expected: 100, found: 101 },
      ]);
      await tamper("UPDATE accounts SET posted = posted - 1", "UPDATE accounts SET posted = posted + 1", [
        { what: "posted", subject, expected: 10, found: 9 },
      ]);
      await tamper("UPDATE accounts SET pending = 0", "UPDATE accounts SET pending = 10", [
        { what: "pending", subject, expected: 10, found: 0 },
      ]);
      await tamper("UPDATE usage_days SET units = 11", "UPDATE usage_days SET units = 10", [
        { what: "usage", subject, expected: 10, found: 11 },
      ]);
      // A charge that no hold knows, to nobody; it cannot be taken away again.
      await other.execute(`INSERT INTO journal (id, kind, debit, credit, units, at)
        VALUES ('hold_forged', 'post', '${subject}', 'acct_nobody', 5, 0)`);
      assert.deepEqual(await a.verify(), [
        { what: "posted", subject, expected: 15, found: 10 },
        { what: "journal_sides", subject: "hold_forged", expected: 0, found: 5 },
        { what: "usage", subject, expected: 15, found: 10 },
        { what: "journal_hold", subject: "hold_forged", expected: 0, found: 5 },
      ]);
    } finally {
      await close();
      await other.stop();
    }
  });

  it("cannot be overdrawn, rewritten or thinned out behind its back", async () => {
    const { a, customer, hold, database } = world();
    const someone = await customer(10);
    const holdId = await hold(someone);
    await a.settle({ holdId, units: 10 });
    const refused = [
      `UPDATE accounts SET pending = 1 WHERE id = '${someone.accountId}'`,
      `UPDATE journal SET units = 1 WHERE id = '${holdId}'`,
      "DELETE FROM journal",
      "DELETE FROM holds",
      "UPDATE audit_log SET actor = 'nobody'",
      "DELETE FROM audit_log",
    ];
    for (const sql of refused) await assert.rejects(database.execute(sql), sql);
    assert.deepEqual(
      await database.rows("SELECT SUM(units) AS total FROM journal_entries").then(([row]) => Number(row?.total)),
      0,
    );
  });

  it("is found again as it was left", async () => {
    const other = await world().database.another();
    try {
      const before = await createWorld(other);
      const someone = await before.customer(100);
      const settled = await before.hold(someone);
      await before.a.settle({ holdId: settled, units: 3 });
      const open = await before.hold(someone, { units: 20 });
      before.a.touchKey(someone.keyId);
      await before.close();

      const after = await createWorld(other);
      const account = await after.a.getAccount(someone.accountId);
      assert.deepEqual([account?.posted, account?.pending], [3, 20]);
      assert.equal((await after.a.findKey(someone.keyId))?.lastUsedAt, before.clock.now);
      assert.deepEqual(await after.a.settle({ holdId: open, units: 20 }), {
        outcome: "posted",
        units: 20,
        alreadyResolved: false,
      });
      await after.close();
    } finally {
      await other.stop();
    }
  });

  it("is opened by several gateways at once when it is new", async () => {
    const other = await world().database.another();
    try {
      const ledgers = await Promise.all(Array.from({ length: 4 }, () => openLedger(other.url)));
      for (const ledger of ledgers) assert.equal((await ledger.health()).ok, true);
      await Promise.all(ledgers.map((ledger) => ledger.close()));
    } finally {
      await other.stop();
    }
  });

  it("refuses a database that is newer, or that another code has made", async () => {
    const other = await world().database.another();
    try {
      const ledger = await openLedger(other.url);
      const { schemaVersion } = await ledger.health();
      await ledger.close();
      const next = schemaVersion + 1;
      await other.execute(`INSERT INTO schema_migrations VALUES (${next}, 'next', 'checksum', 0)`);
      await assert.rejects(openLedger(other.url), {
        name: "LedgerSchemaError",
        message: new RegExp(`version ${next}`),
      });
      await other.execute(`DELETE FROM schema_migrations WHERE version = ${next}`);
      await other.execute("UPDATE schema_migrations SET checksum = 'other' WHERE version = 1");
      await assert.rejects(openLedger(other.url), { name: "LedgerSchemaError", message: /not the one known here/ });
    } finally {
      await other.stop();
    }
  });

  it("finishes what is queued when it is closed, and then rejects", async () => {
    const { database, clock, customer, request, a } = world();
    const someone = await customer(100);
    const ledger = await openLedger(database.url, { now: () => clock.now });
    const asked = request(someone);
    const queued = ledger.reserve(asked);
    const closed = ledger.close();
    assert.equal((await queued).outcome, "held");
    await closed;
    assert.equal((await a.getHold(asked.holdId))?.state, "held");
    await assert.rejects(ledger.reserve(request(someone)), { name: "LedgerUnavailableError", reason: "closed" });
    await assert.rejects(ledger.getAccount(someone.accountId), { reason: "closed" });
    await assert.rejects(ledger.sweep(), { reason: "closed" });
    assert.deepEqual((await ledger.health()).ok, false);
  });

  it("refuses more than its queue holds, and goes on", async () => {
    const { database, clock, customer, request } = world();
    const someone = await customer(1_000);
    const ledger = await openLedger(database.url, { now: () => clock.now, maxQueue: 10 });
    try {
      const results = await Promise.allSettled(Array.from({ length: 15 }, () => ledger.reserve(request(someone))));
      const overloaded = results.filter((result) => result.status === "rejected");
      assert.equal(overloaded.length, 5);
      for (const { reason } of overloaded) assert.equal(reason.reason, "overloaded");
      assert.equal((await ledger.reserve(request(someone))).outcome, "held");
    } finally {
      await ledger.close();
    }
  });
}

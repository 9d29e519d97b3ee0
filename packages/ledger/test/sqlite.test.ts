import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { openLedger } from "../src/index.ts";
import { conformance } from "./conformance/index.ts";
import { createWorld, type TestDatabase } from "./support/world.ts";

async function sqliteFile(): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "atoma-ledger-"));
  const file = join(folder, "data", "ledger.db");
  const use = <Result>(work: (database: DatabaseSync) => Result): Result => {
    const database = new DatabaseSync(file, { timeout: 5_000 });
    try {
      return work(database);
    } finally {
      database.close();
    }
  };
  const execute = async (sql: string) => use((database) => database.exec(sql));
  return {
    url: `sqlite:${file}`,
    execute,
    keepVoided: (ids, accountId) =>
      execute(`
        INSERT INTO holds (id, account_id, key_id, request_id, model, images, units, price, created_at, deadline, state,
          posted_units, resolved_at)
        SELECT id, '${accountId}', 'key', 'r', 'm', 1, 1, '{}', 0, 0, 'voided', 0, 0 FROM (${ids})`),
    rows: async (sql) => use((database) => database.prepare(sql).all()),
    another: sqliteFile,
    stop: () => rm(folder, { recursive: true }),
  };
}

conformance("SQLite", sqliteFile);

describe("the ledger on SQLite alone", () => {
  it("says that it is unavailable while another process holds the file, and recovers", async () => {
    const database = await sqliteFile();
    const world = await createWorld(database);
    const someone = await world.customer(100);
    const other = new DatabaseSync(database.url.slice("sqlite:".length));
    try {
      other.exec("BEGIN IMMEDIATE");
      await assert.rejects(world.a.reserve(world.request(someone)), { name: "LedgerUnavailableError", reason: "busy" });
      other.exec("ROLLBACK");
      assert.equal((await world.a.reserve(world.request(someone))).outcome, "held");
    } finally {
      other.close();
      await world.close();
      await database.stop();
    }
  });

  it("flushes every commit to the disk", async () => {
    const database = await sqliteFile();
    const ledger = await openLedger(database.url);
    try {
      assert.deepEqual(await database.rows("PRAGMA journal_mode").then(([row]) => row?.journal_mode), "wal");
    } finally {
      await ledger.close();
      await database.stop();
    }
  });

  it("recomputes its books beside its work, which goes on meanwhile, and stops when it is closed", async () => {
    const database = await sqliteFile();
    const world = await createWorld(database);
    try {
      const someone = await world.customer(100);
      let held = 0;
      let verified = false;
      const books = world.a.verify().finally(() => {
        verified = true;
      });
      assert.equal(world.a.verify(), world.a.verify(), "who asks meanwhile gets the same");
      while (!verified) {
        await new Promise((resolve) => setImmediate(resolve));
        if (held < 5) await world.hold(someone).then(() => held++);
      }
      assert.equal(held, 5);
      assert.deepEqual(await books, []);
      const closed = assert.rejects(world.a.verify(), { name: "LedgerUnavailableError" });
      await world.a.close();
      await closed;
    } finally {
      await world.close();
      await database.stop();
    }
  });

  it("lives in memory for tests", async () => {
    const ledger = await openLedger("sqlite::memory:");
    const account = await ledger.createAccount({ name: "short" });
    assert.equal((await ledger.getAccount(account.id))?.name, "short");
    await ledger.close();
  });

  it("refuses a URL that it does not know, and a path that cannot be", async () => {
    await assert.rejects(openLedger("mysql://host/db"), { name: "LedgerInputError" });
    await assert.rejects(openLedger("sqlite:"), { name: "LedgerInputError" });
    await assert.rejects(openLedger("sqlite:/dev/null/ledger.db"), { name: "LedgerUnavailableError" });
    await assert.rejects(openLedger("sqlite:/tmp"), { name: "LedgerUnavailableError" });
  });
});

import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { openLedger } from "../src/index.ts";
import { conformance } from "./conformance/index.ts";
import { manualTimers } from "./support/manual-timers.ts";
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

/** A ledger on timers that only the test moves, and another process's connection to its file. */
async function heldFile() {
  const database = await sqliteFile();
  const timers = manualTimers();
  const world = await createWorld(database, timers);
  const other = new DatabaseSync(database.url.slice("sqlite:".length), { timeout: 0 });
  return {
    world,
    timers,
    other,
    async [Symbol.asyncDispose]() {
      other.close();
      await world.close();
      await database.stop();
    },
  };
}

describe("the ledger on SQLite alone", () => {
  it("does not stop the event loop while another process holds the file, and goes on when it is free", async () => {
    await using held = await heldFile();
    const { world, timers, other } = held;
    const someone = await world.customer(100);
    other.exec("BEGIN IMMEDIATE");
    const asked = [
      world.a.reserve(world.request(someone)),
      world.a.createAccount({ name: "meanwhile" }),
      world.a.sweep(),
    ] as const;
    let answered = false;
    const all = Promise.all(asked).finally(() => {
      answered = true;
    });
    // Nothing of the world outside moves the timers: an operation that waited in SQLite would have failed by now.
    await timers.advance(4_000);
    assert.equal(answered, false);
    other.exec("ROLLBACK");
    await timers.advance(100);
    const [reservation] = await all;
    assert.equal(reservation.outcome, "held");
    assert.deepEqual(await world.a.verify(), []);
  });

  it("reads while another process writes", async () => {
    await using held = await heldFile();
    const { accountId } = await held.world.customer(100);
    held.other.exec("BEGIN IMMEDIATE");
    assert.equal((await held.world.a.getAccount(accountId))?.available, 100);
    held.other.exec("ROLLBACK");
  });

  it("says that it is unavailable when the file stays locked for an operation's time, and recovers", async () => {
    await using held = await heldFile();
    const { world, timers, other } = held;
    const someone = await world.customer(100);
    other.exec("BEGIN IMMEDIATE");
    const busy = { name: "LedgerUnavailableError", reason: "busy" };
    const refused = Promise.all([
      assert.rejects(world.a.reserve(world.request(someone)), busy),
      assert.rejects(world.a.createAccount({ name: "never" }), busy),
    ]);
    await timers.advance(5_000);
    await refused;
    assert.equal(timers.pending, 0);
    other.exec("ROLLBACK");
    assert.equal((await world.a.reserve(world.request(someone))).outcome, "held");
  });

  it("closes while the file is locked: what waits for it is told", async () => {
    await using held = await heldFile();
    const { world, timers, other } = held;
    const ledger = await openLedger(world.database.url, { timers });
    other.exec("BEGIN IMMEDIATE");
    const refused = assert.rejects(ledger.createAccount({ name: "never" }), { reason: "closed" });
    await ledger.close();
    await timers.advance(5_000);
    await refused;
    other.exec("ROLLBACK");
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
    const folder = await mkdtemp(join(tmpdir(), "atoma-no-file-"));
    await chmod(folder, 0o755);
    await assert.rejects(openLedger(`sqlite:${folder}`), { name: "LedgerUnavailableError" });
    assert.equal((await stat(folder)).mode & 0o777, 0o755, "a folder stays as it is");
    await rm(folder, { recursive: true });
  });
});

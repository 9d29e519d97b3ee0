import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Client } from "pg";
import { LedgerUnavailableError, openLedger } from "../src/index.ts";
import { conformance } from "./conformance/index.ts";
import { startPostgres, startTcpProxy, type TestPostgres } from "./support/postgres.ts";
import { createWorld, type TestDatabase } from "./support/world.ts";

let server: TestPostgres | undefined;
let databases = 0;

function running(): TestPostgres {
  if (server === undefined) throw new Error("PostgreSQL is not running");
  return server;
}

before(async () => {
  server = await startPostgres();
});
after(() => server?.stop());

async function newDatabase(): Promise<TestDatabase> {
  databases += 1;
  const url = await running().createDatabase(`ledger_${databases}`);
  async function rows(sql: string) {
    const client = new Client({ connectionString: url, options: "-c search_path=atoma" });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }
  return {
    url,
    rows,
    execute: async (sql) => void (await rows(sql)),
    another: newDatabase,
    stop: async () => {},
  };
}

conformance("PostgreSQL", newDatabase);

describe("the ledger when PostgreSQL goes away", () => {
  it("says so within its deadline and recovers by itself, losing nothing", async () => {
    const database = await newDatabase();
    const world = await createWorld(database);
    const { a, request, customer, hold } = world;
    try {
      const someone = await customer(100);
      const held = await hold(someone);
      await running().kill();
      await assert.rejects(a.reserve(request(someone)), { name: "LedgerUnavailableError" });
      await assert.rejects(a.settle({ holdId: held, units: 10 }), { name: "LedgerUnavailableError" });
      await assert.rejects(a.findKey(someone.keyId), { name: "LedgerUnavailableError" });
      await assert.rejects(a.sweep(), { name: "LedgerUnavailableError" });
      assert.equal((await a.health()).ok, false);
      await assert.rejects(openLedger(database.url), { name: "LedgerUnavailableError" });
      await running().restart();
      assert.equal((await a.health()).ok, true);
      assert.equal((await a.settle({ holdId: held, units: 10 })).outcome, "posted");
      assert.equal((await a.getAccount(someone.accountId))?.posted, 10);
    } finally {
      await world.close();
    }
  });

  it("fails what a broken connection was about, and nothing else", async () => {
    const database = await newDatabase();
    await using proxy = await startTcpProxy(Number(new URL(database.url).port));
    const proxied = new URL(database.url);
    proxied.port = String(proxy.port);
    const ledger = await openLedger(proxied.href);
    try {
      for (const lost of ["request", "answer"] as const) {
        const cut = proxy.breakAt(`called ${lost}`, lost);
        const asked = assert.rejects(ledger.createAccount({ name: `called ${lost}` }), LedgerUnavailableError);
        await cut;
        await asked;
        proxy.restore();
        assert.equal((await ledger.createAccount({ name: "after it" })).name, "after it");
      }
      const names = (await ledger.listAccounts()).map(({ name }) => name);
      // Committed, and nobody was told.
      assert.deepEqual(names, ["after it", "called answer", "after it"]);
    } finally {
      await ledger.close();
    }
  });

  it("does not wait for a server that is there and says nothing", async () => {
    const database = await newDatabase();
    const ledger = await openLedger(database.url, { operationTimeoutMs: 1_500 });
    const blocker = new Client({ connectionString: database.url, options: "-c search_path=atoma" });
    await blocker.connect();
    try {
      const account = await ledger.createAccount({ name: "stuck" });
      await blocker.query("BEGIN; LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE");
      const asked = await Promise.allSettled(Array.from({ length: 5 }, () => ledger.getAccount(account.id)));
      for (const waiting of asked) {
        assert(waiting.status === "rejected" && waiting.reason instanceof LedgerUnavailableError);
        assert.equal(waiting.reason.reason, "timeout", String(waiting.reason.cause));
      }
      await blocker.query("ROLLBACK");
      assert.equal((await ledger.getAccount(account.id))?.name, "stuck");
    } finally {
      await blocker.end();
      await ledger.close();
    }
  });

  it("recomputes the books for as long as that takes, whatever an operation's deadline is, until it is closed", async () => {
    const database = await newDatabase();
    const ledger = await openLedger(database.url, { operationTimeoutMs: 300 });
    const blocker = new Client({ connectionString: database.url, options: "-c search_path=atoma" });
    await blocker.connect();
    const waits = "SELECT count(*)::integer AS count FROM pg_locks WHERE NOT granted";
    const waiting = async () => (await blocker.query<{ count: number }>(waits)).rows[0]?.count === 1;
    try {
      await blocker.query("BEGIN; LOCK TABLE journal IN ACCESS EXCLUSIVE MODE");
      const books = ledger.verify();
      while (!(await waiting()));
      await new Promise((resolve) => setTimeout(resolve, 400));
      assert.deepEqual(await ledger.listAccounts(), []);
      assert.equal(await waiting(), true);
      await blocker.query("ROLLBACK; BEGIN; LOCK TABLE journal IN ACCESS EXCLUSIVE MODE");
      assert.deepEqual(await books, []);
      const closed = assert.rejects(ledger.verify(), { name: "LedgerUnavailableError" });
      while (!(await waiting()));
      await ledger.close();
      await closed;
    } finally {
      await blocker.end();
      await ledger.close();
    }
  });

  it("tries again what PostgreSQL gave up for a deadlock", { timeout: 20_000 }, async () => {
    const database = await newDatabase();
    const world = await createWorld(database);
    const [first, second] = [await world.customer(100), await world.customer(100)];
    const stranger = new Client({ connectionString: database.url, options: "-c search_path=atoma" });
    await stranger.connect();
    try {
      const lock = (id: string) => stranger.query("UPDATE accounts SET name = 'x' WHERE id = $1", [id]);
      const ids = [first, second].map(({ accountId }) => accountId).sort();
      await stranger.query("BEGIN");
      await lock(ids[1] ?? assert.fail());
      // One batch: it takes the first account and waits for the second, which the stranger has; who then asks for the first.
      const asked = [first, second].map((someone) => world.a.reserve(world.request(someone)));
      const waiting = "SELECT count(*)::integer AS count FROM pg_locks WHERE NOT granted";
      while (((await stranger.query<{ count: number }>(waiting)).rows[0]?.count ?? 0) === 0);
      await lock(ids[0] ?? assert.fail());
      await stranger.query("COMMIT");
      assert.deepEqual(
        (await Promise.all(asked)).map(({ outcome }) => outcome),
        ["held", "held"],
      );
      const deadlocks = "SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()";
      while (((await stranger.query<{ deadlocks: number }>(deadlocks)).rows[0]?.deadlocks ?? 0) === 0);
    } finally {
      await stranger.end();
      await world.close();
    }
  });
});

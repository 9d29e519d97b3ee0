import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Client } from "pg";
import { accountIdFrom, type HoldId, holdIdFrom, keyIdFrom, LedgerUnavailableError, openLedger } from "../src/index.ts";
import { readMigrations } from "../src/migrations.ts";
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
    keepVoided: async (ids, accountId) =>
      void (await rows(`
        WITH voided AS (
          INSERT INTO reservations (id, account_id, key_id, request_id, model, images, units, price, created_at, deadline)
          SELECT id, '${accountId}', 'key', 'r', 'm', 1, 1, '{}', 0, 0 FROM (${ids}) ids RETURNING id
        )
        INSERT INTO releases (id, state, at) SELECT id, 'voided', 0 FROM voided`)),
    another: newDatabase,
    stop: async () => {},
  };
}

conformance("PostgreSQL", newDatabase);

describe("a server that has become read-only, as one is that stands by", () => {
  it("is not healthy from the first commit that fails until one succeeds", async () => {
    const database = await newDatabase();
    const { a, customer, request, clock, close } = await createWorld(database);
    /** Sessions that are there already go on as they were, so they are ended. */
    const setReadOnly = (value: "on" | "off") =>
      database.execute(`SET transaction_read_only = off;
        ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET default_transaction_read_only = ${value};
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`);
    try {
      const buyer = await customer(100);
      assert.equal((await a.health()).ok, true);
      await setReadOnly("on");
      const refused = { name: "LedgerUnavailableError" };
      await assert.rejects(a.reserve(request(buyer)), refused);
      // The first failure may be that of the session that was ended.
      await assert.rejects(a.reserve(request(buyer)), /read-only transaction/);
      const { ok, readable, reason } = await a.health();
      assert.deepEqual([ok, readable], [false, true]);
      assert.match(reason ?? "", /read-only transaction/);
      await setReadOnly("off");
      // Each session that was ended is noticed by one statement.
      for (let asked = 0; asked < 20 && !(await a.health()).ok; asked++) clock.now += 1_000;
      assert.equal((await a.health()).ok, true);
      assert.equal((await a.reserve(request(buyer))).outcome, "held");
      assert.deepEqual(await a.nodes.list(), []);
    } finally {
      await close();
    }
  });
});

describe("holds in PostgreSQL's tables", () => {
  it("are found when they are in two places, or in none", async () => {
    const database = await newDatabase();
    const { a, customer, hold, close } = await createWorld(database);
    try {
      const subject = await hold(await customer(100));
      await database.execute(`INSERT INTO releases VALUES ('${subject}', 'expired', 0)`);
      assert.deepEqual(await a.verify(), [{ what: "hold_places", subject, expected: 1, found: 2 }]);
      await database.execute(
        "UPDATE accounts SET pending = 0; DELETE FROM open_holds; DROP TRIGGER releases_stay ON releases",
      );
      assert.deepEqual(await a.verify(), []);
      await database.execute("DELETE FROM releases");
      assert.deepEqual(await a.verify(), [{ what: "hold_places", subject, expected: 1, found: 0 }]);
    } finally {
      await close();
    }
  });

  it("are resolved, swept and leased from all sides without a deadlock", async () => {
    const database = await newDatabase();
    const { a, b, customer, request, clock, close } = await createWorld(database);
    try {
      const limits = [{}, { concurrentRequests: 5 }, { requestsPerMinute: 50 }, {}, {}, {}];
      const customers = await Promise.all(limits.map((each) => customer(500, { limits: each })));
      const made: HoldId[] = [];
      let going = true;
      async function client(index: number): Promise<void> {
        for (let count = 0; count < 25; count++) {
          const someone = customers[(index + count) % customers.length] ?? assert.fail();
          const idempotency = count % 2 === 0 ? undefined : { key: `key-${count}`, fingerprint: "f" };
          const deadline = clock.now + (count % 9 === 0 ? 0 : 60_000);
          const asked = request(someone, { units: 1 + (count % 7), deadline, idempotency });
          made.push(asked.holdId);
          await (index % 2 === 0 ? a : b).reserve(asked);
          if (count % 5 === 0) await b.void({ holdId: made[(index * count) % made.length] ?? assert.fail() });
          else await (index % 3 === 0 ? a : b).settle({ holdId: asked.holdId, units: 1 });
        }
      }
      async function disturb(): Promise<void> {
        const keyId = customers[0]?.keyId ?? assert.fail();
        for (let count = 0; going; count++) {
          await Promise.all([a.sweep(), b.sweep()]);
          await b.updateKey(keyId, { limits: { concurrentRequests: count % 2 === 0 ? 30 : null } });
        }
      }
      const disturbed = disturb();
      await Promise.all(Array.from({ length: 40 }, (_, index) => client(index))).finally(() => {
        going = false;
      });
      await disturbed;
      assert.deepEqual(await a.verify(), []);
      const [row] = await database.rows(
        "SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()",
      );
      assert.equal(row?.deadlocks, 0);
    } finally {
      await close();
    }
  });

  it("were one table up to version 5, and are brought forward from there", async () => {
    const { url, execute, rows } = await newDatabase();
    const at = Date.now();
    await execute(
      "CREATE SCHEMA atoma; CREATE TABLE schema_migrations (version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at bigint NOT NULL)",
    );
    const known = readMigrations(new URL("../src/postgres/migrations/", import.meta.url)).slice(0, 5);
    for (const { version, name, checksum, sql } of known) {
      await execute(sql);
      await execute(`INSERT INTO schema_migrations VALUES (${version}, '${name}', '${checksum}', 0)`);
    }
    const hold = (id: string, state: string, posted: number, resolved: number | null, key: string | null) =>
      `('${id}', 'acct_1', 'key_1', 'r', 'm', 2, 10, '{"n":2}', 1, ${at + 60_000}, ${key}, '${state}', ${posted}, ${resolved})`;
    await execute(`
      INSERT INTO accounts VALUES ('acct_1', 'a', 0, 100, 7, 10);
      INSERT INTO keys (id, account_id, name, secret_hash, last_four, created_at, concurrent_requests)
        VALUES ('key_1', 'acct_1', 'k', sha256('s'), 'last', 0, 1);
      INSERT INTO grants VALUES ('acct_1', 'g', 100, '', 0);
      INSERT INTO journal VALUES ('grant:acct_1:g', 'grant', 'system:granted', 'acct_1', 100, 0),
        ('hold_posted', 'post', 'acct_1', 'system:consumed', 7, 5);
      INSERT INTO usage_days VALUES ('2026-01-01', 'acct_1', 'key_1', 'm', 1, 2, 7);
      INSERT INTO idempotency VALUES ('acct_1', 'i', 'f', 'hold_held', NULL, 1, NULL);
      INSERT INTO holds VALUES ${[
        hold("hold_held", "held", 0, null, "'i'"),
        hold("hold_posted", "posted", 7, 5, null),
        hold("hold_voided", "voided", 0, 6, null),
        hold("hold_expired", "expired", 0, 7, null),
      ].join(", ")}`);
    const before = await rows("SELECT * FROM holds ORDER BY id");

    const ledger = await openLedger(url);
    try {
      assert.deepEqual(await ledger.verify(), []);
      assert.deepEqual(await rows("SELECT * FROM holds ORDER BY id"), before);
      const request = {
        accountId: accountIdFrom("acct_1"),
        keyId: keyIdFrom("key_1"),
        requestId: "r",
        model: "m",
        images: 1,
      };
      const asked = { ...request, holdId: holdIdFrom("hold_new"), units: 10, price: {}, deadline: at + 60_000 };
      const refused = await ledger.reserve(asked);
      assert(refused.outcome === "rate_limited" && refused.limit === "concurrency");
      const held = holdIdFrom("hold_held");
      assert.deepEqual(await ledger.settle({ holdId: held, units: 9, response: "kept" }), {
        outcome: "posted",
        units: 9,
        alreadyResolved: false,
      });
      const again = await ledger.reserve({ ...asked, idempotency: { key: "i", fingerprint: "f" } });
      assert.deepEqual(again, { outcome: "replay", holdId: held, response: "kept" });
      assert.equal((await ledger.reserve(asked)).outcome, "held");
      assert.deepEqual(await ledger.verify(), []);
    } finally {
      await ledger.close();
    }
  });
});

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
    const ledger = await openLedger(database.url, { operationTimeoutMs: 1_500 });
    const account = await ledger.createAccount({ name: "a" });
    const blocker = new Client({ connectionString: database.url, options: "-c search_path=atoma" });
    await blocker.connect();
    const waits = "SELECT count(*)::integer AS count FROM pg_locks WHERE NOT granted";
    const waiting = async () => (await blocker.query<{ count: number }>(waits)).rows[0]?.count === 1;
    try {
      await blocker.query("BEGIN; LOCK TABLE journal IN ACCESS EXCLUSIVE MODE");
      const books = ledger.verify();
      while (!(await waiting()));
      // Asked later than the books, and given up already.
      await assert.rejects(ledger.grant(account.id, 1, { reference: "locked" }), { reason: "timeout" });
      while (!(await waiting()));
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
    // The batch looks for a deadlock once, when it has waited so long; the stranger never does, so that it is not the one given up.
    await database.execute(`ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET deadlock_timeout = '3s'`);
    const world = await createWorld(database);
    const [first, second] = [await world.customer(100), await world.customer(100)];
    const stranger = new Client({ connectionString: database.url, options: "-c search_path=atoma" });
    await stranger.connect();
    try {
      await stranger.query("SET deadlock_timeout = '1h'");
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

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, it } from "node:test";
import { type Ledger, openLedger } from "@atoma/ledger";
import { startPostgres } from "@atoma/ledger/test-support";
import pg from "pg";
import { eventually } from "./support/gateway.ts";
import { type GatewayProcess, type Place, startGatewayProcess } from "./support/gateway-process.ts";
import { makePictures, startScriptedNode } from "./support/scripted-node.ts";

const UNITS = 64 * 64;
/** Kills over both engines; every place at least once. */
const KILLS = Math.max(24, Number(process.env.ATOMA_KILLS ?? 24));

/** The six steps of a request that waits for its answer; `forward` is when its node has been asked. */
const DIRECT: readonly (Place | "forward")[] = [
  "after findKey",
  "before reserve",
  "after reserve",
  "forward",
  "before settle",
  "after settle",
];
/** The stations of an asynchronous generation, and how it must have ended when all is over. */
const LATER: readonly (readonly [Place, "succeeded" | "failed"])[] = [
  ["after jobs.enqueue", "succeeded"],
  ["after jobs.claim", "failed"],
  ["before jobs.keepResult", "failed"],
  ["after jobs.keepResult", "succeeded"],
  ["after settle", "succeeded"],
  ["after jobs.end", "succeeded"],
];

interface Database {
  readonly url: string;
  /** Whether the next gateway knows that the killed one is dead: it then frees at once what that one held. */
  readonly owned: boolean;
  execute(sql: string): Promise<unknown>;
}

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: bodies are asserted field by field
  readonly json: any;
  readonly replayed: boolean;
}

async function suite(database: Database, kills: number): Promise<void> {
  await using node = await startScriptedNode();
  const filesDir = await mkdtemp(join(tmpdir(), "atoma-kill-"));
  const clock = { ahead: 0 };
  const ledger: Ledger = await openLedger(database.url, { now: () => Date.now() + clock.ahead });
  const account = await ledger.createAccount({ name: "a" });
  await ledger.grant(account.id, 10 * kills * UNITS, { reference: "start" });
  let key = "";
  const start = () => startGatewayProcess({ ledgerUrl: database.url, nodeUrl: node.url, filesDir });
  let gateway: GatewayProcess = await start();
  let paid = 0;

  async function ask(idempotencyKey: string, later = false): Promise<Answer> {
    const response = await fetch(`${gateway.url}/v1/images/generations`, {
      method: "POST",
      body: '{"model":"scripted","prompt":"otter","seed":1}',
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        "idempotency-key": idempotencyKey,
        ...(later && { prefer: "respond-async" }),
      },
    });
    const replayed = response.headers.get("idempotent-replayed") === "true";
    return { status: response.status, json: await response.json(), replayed };
  }

  async function get(id: string): Promise<{ status: string }> {
    const headers = { authorization: `Bearer ${key}` };
    const response = await fetch(`${gateway.url}/v1/images/generations/${id}`, { headers });
    return (await response.json()) as { status: string };
  }

  /** What was held by the dead is given back as it is when its deadline comes, and its leases run out. */
  async function passTime(): Promise<void> {
    clock.ahead = 2 * 3_600_000;
    while ((await ledger.sweep()).more);
    clock.ahead = 0;
  }

  async function checkBooks(what: string): Promise<void> {
    const { posted, pending } = (await ledger.getAccount(account.id)) ?? assert.fail();
    assert.deepEqual([posted, pending], [paid * UNITS, 0], what);
    assert.deepEqual(await ledger.verify(), [], what);
  }

  async function killDirect(place: Place | "forward"): Promise<void> {
    const idempotencyKey = randomUUID();
    if (place === "forward") {
      node.behave = () => void gateway.child.kill("SIGKILL");
    } else {
      await gateway.dieAt(place);
    }
    await assert.rejects(ask(idempotencyKey), place);
    await gateway.ended;
    node.behave = makePictures;
    const charged = place === "after settle";
    const made = node.requests.length;
    gateway = await start();
    if (!charged && !database.owned) await passTime();
    const again = await ask(idempotencyKey);
    paid++;
    assert.deepEqual([again.status, again.replayed], [200, charged], place);
    assert.equal(node.requests.length, made + (charged ? 0 : 1), place);
    await checkBooks(place);
  }

  async function killLater(place: Place, fate: "succeeded" | "failed"): Promise<void> {
    const idempotencyKey = randomUUID();
    await gateway.dieAt(place);
    // The client may or may not have got its 202 by then; the same request tells it again.
    await ask(idempotencyKey, true).catch(() => undefined);
    await gateway.ended;
    const made = node.requests.length;
    gateway = await start();
    if (!database.owned) await database.execute("UPDATE jobs SET lease_until = 0 WHERE state = 'running'");
    if (fate === "failed") {
      await eventually(async () => (await ledger.listHolds({ state: "held" })).holds.length === 0);
      await checkBooks(place);
    }
    const { status, json } = await ask(idempotencyKey, true);
    assert.equal(status, 202, place);
    await eventually(async () => (await get(json.id)).status === "succeeded");
    paid++;
    assert.equal(node.requests.length, made + (fate === "failed" || place === "after jobs.enqueue" ? 1 : 0), place);
    await checkBooks(place);
  }

  try {
    for (let kill = 0; kill < kills; kill++) {
      // One that no gateway remembers.
      ({ key } = await ledger.createKey({ accountId: account.id, name: `k${kill}` }));
      const step = DIRECT[kill % 12];
      if (step !== undefined) await killDirect(step);
      else await killLater(...(LATER[(kill % 12) - DIRECT.length] ?? assert.fail()));
    }
  } finally {
    await gateway.kill();
    await ledger.close();
    await rm(filesDir, { recursive: true, force: true });
  }
}

describe(`kill -9 of a gateway at every step, ${KILLS} times`, () => {
  it("on SQLite: each request is charged once and delivered, or not charged, and its key is free at once", async () => {
    const folder = await mkdtemp(join(tmpdir(), "atoma-kill-"));
    const file = join(folder, "ledger.db");
    const execute = async (sql: string) => {
      const database = new DatabaseSync(file, { timeout: 5_000 });
      database.exec(sql);
      database.close();
    };
    await suite({ url: `sqlite:${file}`, owned: true, execute }, KILLS / 2);
    await rm(folder, { recursive: true });
  });

  it("on PostgreSQL: the same", async () => {
    const server = await startPostgres();
    after(() => server.stop());
    const execute = async (sql: string) => {
      const client = new pg.Client({ connectionString: server.url, options: "-c search_path=atoma" });
      await client.connect();
      await client.query(sql);
      await client.end();
    };
    await suite({ url: server.url, owned: false, execute }, KILLS / 2);
  });
});

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type AccountId, type Ledger, openLedger } from "@atoma/ledger";
import { startPostgres, type TestPostgres } from "@atoma/ledger/test-support";
import pg from "pg";
import { Agent, fetch } from "undici";
import { eventually, startWorld } from "./support/gateway.ts";
import { type GatewayProcess, startGatewayProcess } from "./support/gateway-process.ts";
import { makePictures, type ScriptedNode, startScriptedNode } from "./support/scripted-node.ts";

// Two gateways, each a process of its own, over one PostgreSQL, one folder of files and one node.
const UNITS = 64 * 64;
const adminKey = "sk-atoma-admin-test";
let server: TestPostgres;
let filesDir = "";
let node: ScriptedNode;
let ledger: Ledger;
let gateways: GatewayProcess[] = [];
/** A crowd needs many connections, but not one for each request. */
const crowd = new Agent({ connections: 64, headersTimeout: 120_000, bodyTimeout: 120_000 });

before(async () => {
  server = await startPostgres();
  filesDir = await mkdtemp(join(tmpdir(), "atoma-cluster-"));
  node = await startScriptedNode();
  ledger = await openLedger(server.url);
  const orders = { ledgerUrl: server.url, nodeUrl: node.url, filesDir, adminKey };
  gateways = await Promise.all([startGatewayProcess(orders), startGatewayProcess(orders)]);
});
after(async () => {
  await Promise.all(gateways.map((gateway) => gateway.kill()));
  await crowd.destroy();
  await ledger.close();
  await node[Symbol.asyncDispose]();
  await server.stop();
  await rm(filesDir, { recursive: true, force: true });
});

async function customer(units: number): Promise<{ accountId: AccountId; keyId: string; key: string }> {
  const account = await ledger.createAccount({ name: "a" });
  await ledger.grant(account.id, units, { reference: "start" });
  const { key, record } = await ledger.createKey({ accountId: account.id, name: "k" });
  return { accountId: account.id, keyId: record.id, key };
}

// biome-ignore lint/suspicious/noExplicitAny: bodies are asserted field by field
type Answer = { status: number; retryAfter: string | null; text: string; json: any };

async function call(
  url: string,
  key: string,
  method: string,
  path: string,
  headers = {},
  body?: object,
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { "content-type": "application/json" }), ...headers },
    dispatcher: crowd,
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, retryAfter: response.headers.get("retry-after"), text, json: JSON.parse(text) };
}

const generate = (url: string, key: string, headers = {}) =>
  call(url, key, "POST", "/v1/images/generations", headers, { model: "scripted", prompt: "otter" });
const gatewayOf = (index: number): GatewayProcess => gateways[index % gateways.length] ?? assert.fail();

const count = (answers: readonly Answer[], status: number) => answers.filter((a) => a.status === status).length;

async function checkSpent({ accountId }: { accountId: AccountId }, posted: number): Promise<void> {
  const account = (await ledger.getAccount(accountId)) ?? assert.fail();
  assert.deepEqual([account.posted, account.pending], [posted, 0]);
  assert.deepEqual(await ledger.verify(), []);
}

test("a thousand at once with balance for ten, through two gateways: ten pictures, 990 × 402, balance 0", async () => {
  const someone = await customer(10 * UNITS);
  const asked = node.requests.length;
  const answers = await Promise.all(Array.from({ length: 1_000 }, (_, i) => generate(gatewayOf(i).url, someone.key)));
  assert.deepEqual([count(answers, 200), count(answers, 402)], [10, 990]);
  assert.equal(node.requests.length - asked, 10);
  await checkSpent(someone, 10 * UNITS);
});

test("a thousand at once with balance for ten, on SQLite: the same", async () => {
  await using world = await startWorld({ grant: 10 * UNITS });
  const answers = await Promise.all(Array.from({ length: 1_000 }, () => generate(world.gateway.url, world.key)));
  assert.deepEqual([count(answers, 200), count(answers, 402)], [10, 990]);
  assert.equal(world.node.requests.length, 10);
  assert.deepEqual([await world.available(), await world.pending()], [0, 0]);
});

test("S-092 one idempotency key from fifty clients of two gateways: one picture, one charge, one answer", async () => {
  const someone = await customer(100 * UNITS);
  const asked = node.requests.length;
  const headers = { "idempotency-key": "fifty" };
  const retryLedger = async (index: number): Promise<Answer> => {
    while (true) {
      const answer = await generate(gatewayOf(index).url, someone.key, headers);
      if (answer.status !== 409) return answer;
      assert.equal(answer.json.error.code, "idempotency_in_progress");
      assert.ok(Number(answer.retryAfter) >= 1);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => retryLedger(i)));
  assert.equal(count(answers, 200), 50);
  // Each gateway names the files by its own origin.
  const same = new Set(answers.map(({ text }) => text.replaceAll(/127\.0\.0\.1:\d+/g, "origin")));
  assert.equal(same.size, 1);
  assert.equal(node.requests.length - asked, 1);
  await checkSpent(someone, UNITS);
});

test("a key that is revoked at one gateway makes nothing at the other, and is soon unknown to it", async () => {
  const someone = await customer(10 * UNITS);
  const [first, second] = [gatewayOf(0).url, gatewayOf(1).url];
  assert.equal((await generate(second, someone.key)).status, 200);
  assert.equal((await call(first, adminKey, "POST", `/admin/v1/keys/${someone.keyId}/revoke`)).status, 200);
  assert.equal((await generate(second, someone.key)).status, 401);
  await eventually(async () => (await call(second, someone.key, "GET", "/v1/models")).status === 401);
  await checkSpent(someone, UNITS);
});

test("an asynchronous generation is known to both gateways, and outlives the one that accepted it", async () => {
  const someone = await customer(10 * UNITS);
  const [first, second] = gateways;
  assert.ok(first && second);
  node.behave = () => {};
  const { json: accepted } = await generate(first.url, someone.key, { prefer: "respond-async" });
  const path = `/v1/images/generations/${accepted.id}`;
  const state = async () => (await call(second.url, someone.key, "GET", path)).json;
  await eventually(async () => (await state()).status === "running");
  await first.kill();
  node.behave = makePictures;
  // What may have been made is not made again; the other gateway says so when the lease of the dead one has run out.
  const client = new pg.Client({ connectionString: server.url, options: "-c search_path=atoma" });
  await client.connect();
  await client.query("UPDATE jobs SET lease_until = 0");
  await client.end();
  await eventually(async () => (await state()).status !== "running");
  const failed = await state();
  assert.deepEqual([failed.status, failed.error.code], ["failed", "interrupted"]);
  await checkSpent(someone, 0);
  const { json: again } = await generate(second.url, someone.key, { prefer: "respond-async" });
  const orders = { ledgerUrl: server.url, nodeUrl: node.url, filesDir, adminKey };
  const third = await startGatewayProcess(orders);
  gateways = [second, third];
  const result = async () => (await call(third.url, someone.key, "GET", `/v1/images/generations/${again.id}`)).json;
  await eventually(async () => (await result()).status === "succeeded");
  assert.ok((await result()).result.data[0].b64_json.length > 0);
  await checkSpent(someone, UNITS);
});

test("DELETE at one gateway stops what the other runs", async () => {
  const someone = await customer(UNITS);
  node.behave = () => {};
  const [cancelled, asked] = [node.cancelled, node.requests.length];
  const { json: accepted } = await generate(gatewayOf(0).url, someone.key, { prefer: "respond-async" });
  await eventually(() => node.requests.length > asked);
  const path = `/v1/images/generations/${accepted.id}`;
  // Whichever runs it, one of them does not.
  const answers = await Promise.all(gateways.map(({ url }) => call(url, someone.key, "DELETE", path)));
  assert.deepEqual(
    answers.map(({ json }) => json.status),
    ["cancelled", "cancelled"],
  );
  await eventually(() => node.cancelled > cancelled);
  node.behave = makePictures;
  await checkSpent(someone, 0);
});

test("a database that is away: 503 with Retry-After, not ready; when it is back, all is well by itself", async () => {
  const someone = await customer(10 * UNITS);
  const { url } = gatewayOf(1);
  assert.equal((await generate(url, someone.key)).status, 200);
  await server.kill();
  const away = await generate(url, someone.key);
  assert.deepEqual([away.status, away.json.error.code], [503, "overloaded"]);
  assert.ok(Number(away.retryAfter) >= 1);
  const health = await call(url, someone.key, "GET", "/health");
  assert.deepEqual([health.status, health.json.message], [503, "the ledger is away"]);
  await server.restart();
  await eventually(async () => (await call(url, someone.key, "GET", "/health")).status === 200);
  assert.equal((await generate(url, someone.key)).status, 200);
  const job = await generate(url, someone.key, { prefer: "respond-async" });
  assert.equal(job.status, 202);
  const path = `/v1/images/generations/${job.json.id}`;
  await eventually(async () => (await call(url, someone.key, "GET", path)).json.status === "succeeded");
  await checkSpent(someone, 3 * UNITS);
});

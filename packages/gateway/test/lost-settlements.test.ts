import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type Ledger, openLedger } from "@atoma/ledger";
import { startPostgres, startTcpProxy, type TcpProxy, type TestPostgres } from "@atoma/ledger/test-support";
import { type Answer, eventually, startWorld, type World } from "./support/gateway.ts";

// A PostgreSQL whose connections break at the very bytes of a settlement: the request or its answer is lost, and what the
// gateway asks next, too.
const UNITS = 64 * 64;
const GRANT = 100 * UNITS;
/** Only a settlement has an answer among its arrays; only a job that is put into the queue has a prompt. */
const SETTLEMENT = '\\"items\\"';
const PROMPT = "a secret otter";
const PATIENCE_MS = 200;

interface Place {
  readonly world: World;
  /** What the database says, past the proxy. */
  readonly truth: Ledger;
}

let server: TestPostgres;
let proxy: TcpProxy;
/** A gateway that gives a ledger up soon, and one that does not. */
let short: Place;
let patient: Place;
/** The one that a test is about. */
let world: World;
let truth: Ledger;

/** A gateway with a database of its own, account and key included. */
async function start(name: string, ledgerPatienceMs: number): Promise<Place> {
  const url = await server.createDatabase(name);
  const proxied = new URL(url);
  proxied.port = String(proxy.port);
  const there = await startWorld({ ledgerUrl: proxied.href, grant: GRANT, ledgerPatienceMs });
  return { world: there, truth: await openLedger(url) };
}

before(async () => {
  server = await startPostgres();
  proxy = await startTcpProxy(Number(new URL(server.url).port));
  short = await start("short", PATIENCE_MS);
  patient = await start("patient", 60_000);
});
beforeEach(() => {
  proxy.restore();
  ({ world, truth } = short);
});
after(async () => {
  for (const place of [short, patient]) {
    await place.world[Symbol.asyncDispose]();
    await place.truth.close();
  }
  await proxy[Symbol.asyncDispose]();
  await server.stop();
});

interface Books {
  posted: number;
  pending: number;
  available: number;
  made: number;
}

async function books(): Promise<Books> {
  const { posted, pending, available } = (await truth.getAccount(world.accountId)) ?? assert.fail();
  return { posted, pending, available, made: world.node.requests.length };
}

/** What has changed since: pictures charged, still held, paid for in the end, and made. */
async function since(start: Books) {
  const now = await books();
  return {
    posted: (now.posted - start.posted) / UNITS,
    pending: (now.pending - start.pending) / UNITS,
    paid: (start.available - now.available) / UNITS,
    made: now.made - start.made,
  };
}

const away = ({ status, json, headers }: Answer) => {
  assert.deepEqual([status, json.error.code], [503, "overloaded"]);
  assert.ok(Number(headers.get("retry-after")) >= 1);
};

/** Asks with one idempotency key until it is no longer said to be running. */
async function retryLedger(idempotencyKey: string): Promise<Answer> {
  let answer: Answer | undefined;
  await eventually(async () => {
    answer = await world.generate({}, { "idempotency-key": idempotencyKey });
    return answer.status !== 409;
  });
  return answer ?? assert.fail();
}

test("charged, and everybody was cut off: the same idempotency key gets the picture", async () => {
  const start = await books();
  const cut = proxy.breakAt(SETTLEMENT, "answer");
  away(await world.generate({}, { "idempotency-key": "answer-lost" }));
  await cut;
  assert.deepEqual(await since(start), { posted: 1, pending: 0, paid: 1, made: 1 });
  proxy.restore();
  const again = await retryLedger("answer-lost");
  assert.deepEqual([again.status, again.headers.get("idempotent-replayed")], [200, "true"]);
  assert.ok(again.json.data[0].b64_json.length > 0);
  assert.deepEqual(await since(start), { posted: 1, pending: 0, paid: 1, made: 1 });
});

test("charged, cut off, and nothing to fetch it with: the units are given back, once, and the books are right", async () => {
  const start = await books();
  const cut = proxy.breakAt(SETTLEMENT, "answer");
  away(await world.generate());
  await cut;
  assert.equal((await since(start)).paid, 1);
  proxy.restore();
  await eventually(async () => (await since(start)).paid === 0);
  assert.deepEqual(await since(start), { posted: 1, pending: 0, paid: 0, made: 1 });
  const [entry] = await truth.listAudit({ limit: 1 });
  assert.deepEqual([entry?.actor, entry?.action, entry?.subject], ["gateway", "account.grant", world.accountId]);
  assert.deepEqual(await truth.verify(), []);
});

test("not charged, and cut off: what was held is free again, long before its deadline, with its idempotency key", async () => {
  for (const key of [undefined, "request-lost"]) {
    const start = await books();
    const cut = proxy.breakAt(SETTLEMENT, "request");
    away(await world.generate({}, key === undefined ? {} : { "idempotency-key": key }));
    await cut;
    assert.deepEqual(await since(start), { posted: 0, pending: 1, paid: 1, made: 1 });
    proxy.restore();
    await eventually(async () => (await since(start)).pending === 0);
    assert.deepEqual(await since(start), { posted: 0, pending: 0, paid: 0, made: 1 });
    if (key === undefined) continue;
    const again = await retryLedger(key);
    assert.deepEqual([again.status, again.headers.get("idempotent-replayed")], [200, null]);
    assert.deepEqual(await since(start), { posted: 1, pending: 0, paid: 1, made: 2 });
  }
});

test("a database that comes back in time: the picture is delivered, and charged once", async () => {
  ({ world, truth } = patient);
  for (const lost of ["request", "answer"] as const) {
    for (const key of [undefined, `in-time-${lost}`]) {
      const start = await books();
      const cut = proxy.breakAt(SETTLEMENT, lost);
      const asked = world.generate({}, key === undefined ? {} : { "idempotency-key": key });
      await cut;
      proxy.restore();
      const answer = await asked;
      assert.deepEqual([answer.status, answer.headers.get("idempotent-replayed")], [200, null], lost);
      assert.ok(answer.json.data[0].b64_json.length > 0);
      assert.deepEqual(await since(start), { posted: 1, pending: 0, paid: 1, made: 1 }, lost);
    }
  }
});

test("in a stream: an error event, and the same afterwards", async () => {
  for (const lost of ["request", "answer"] as const) {
    const start = await books();
    const cut = proxy.breakAt(SETTLEMENT, lost);
    const { text } = await world.generate({ stream: true, partial_images: 1 });
    await cut;
    assert.match(text, /event: error\ndata: .*"code":"overloaded"/, lost);
    assert.doesNotMatch(text, /image_generation\.completed/);
    proxy.restore();
    await eventually(async () => (await since(start)).paid === 0);
    assert.deepEqual(await since(start), { posted: lost === "answer" ? 1 : 0, pending: 0, paid: 0, made: 1 });
  }
});

test("who leaves while the ledger is asked again pays nothing", async () => {
  ({ world, truth } = patient);
  for (const [index, lost] of (["request", "answer"] as const).entries()) {
    const start = await books();
    const cut = proxy.breakAt(SETTLEMENT, lost);
    const leaving = new AbortController();
    const asked = world.ask({}, leaving.signal);
    await cut;
    leaving.abort();
    await assert.rejects(asked);
    await eventually(() => world.log.filter((line) => line.includes("hold not released")).length > index);
    proxy.restore();
    await eventually(async () => (await since(start)).paid === 0);
    assert.deepEqual(await since(start), { posted: lost === "answer" ? 1 : 0, pending: 0, paid: 0, made: 1 }, lost);
  }
});

test("a reservation whose answer is lost with the database holds nothing once it is back", async () => {
  const start = await books();
  const cut = proxy.breakAt('\\"perMille\\"', "answer");
  away(await world.generate({}, { "idempotency-key": "never-begun" }));
  await cut;
  assert.deepEqual(await since(start), { posted: 0, pending: 1, paid: 1, made: 0 });
  proxy.restore();
  await eventually(async () => (await since(start)).pending === 0);
  assert.equal((await retryLedger("never-begun")).status, 200);
  assert.deepEqual(await since(start), { posted: 1, pending: 0, paid: 1, made: 1 });
});

test("an asynchronous generation ends as succeeded, charged once, whatever of its settlement is lost", async () => {
  for (const lost of ["request", "answer"] as const) {
    const start = await books();
    const cut = proxy.breakAt(SETTLEMENT, lost);
    const accepted = await world.generate({}, { prefer: "respond-async" });
    assert.equal(accepted.status, 202);
    await cut;
    proxy.restore();
    const path = `/v1/images/generations/${accepted.json.id}`;
    await eventually(async () => (await world.get(path)).json.status === "succeeded");
    assert.deepEqual(await since(start), { posted: 1, pending: 0, paid: 1, made: 1 }, lost);
  }
});

test("a job that was put into the queue, and its client could not be told: in the end it costs nothing", async () => {
  const start = await books();
  const cut = proxy.breakAt(PROMPT, "answer");
  away(await world.generate({}, { prefer: "respond-async" }));
  await cut;
  proxy.restore();
  await eventually(async () => {
    const { pending, paid } = await since(start);
    return pending === 0 && paid === 0;
  });
  assert.deepEqual(await truth.verify(), []);
});

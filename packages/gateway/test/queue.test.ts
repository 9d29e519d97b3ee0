import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, startWorld } from "./support/gateway.ts";
import { manualClock, turnUntil } from "./support/manual-clock.ts";
import { type Behaviour, makePictures } from "./support/scripted-node.ts";

/** A node that makes nothing until it is told to. */
function held(): { behave: Behaviour; release: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const behave: Behaviour = async (job, response, request) => {
    await promise;
    await makePictures(job, response, request);
  };
  return { behave, release: resolve };
}

async function startBusy(options: Parameters<typeof startWorld>[0] = {}) {
  const { startScriptedNode } = await import("./support/scripted-node.ts");
  const node = await startScriptedNode();
  const gate = held();
  node.behave = gate.behave;
  const world = await startWorld({ nodes: [{ name: "n", url: node.url, maxConcurrent: 1 }], ...options });
  return {
    world,
    node,
    gate,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await node[Symbol.asyncDispose]();
    },
  };
}

test("a node gets as many requests as it may have; the others wait here, and all are answered", async () => {
  await using busy = await startBusy();
  const { world, node, gate } = busy;
  const requests = Array.from({ length: 5 }, () => world.generate());
  await eventually(() => node.requests.length === 1);
  await eventually(async () => (await world.pending()) === 5 * 64 * 64);
  assert.equal(node.requests.length, 1);
  gate.release();
  for (const { status } of await Promise.all(requests)) assert.equal(status, 200);
  assert.equal(node.requests.length, 5);
});

test("S-090 a full queue refuses with how long the backlog takes, and holds nothing", async () => {
  await using busy = await startBusy({ maxQueue: 1, clock: manualClock() });
  const { world, node, gate } = busy;
  const first = world.generate();
  await eventually(() => node.requests.length === 1);
  const second = world.generate();
  await eventually(async () => (await world.pending()) === 2 * 64 * 64);
  const refused = await world.generate();
  assert.deepEqual([refused.status, refused.json.error.code], [503, "overloaded"]);
  // Nothing is known of the node yet.
  assert.equal(refused.headers.get("retry-after-ms"), "2000");
  assert.equal(await world.pending(), 2 * 64 * 64);
  gate.release();
  for (const { status } of await Promise.all([first, second])) assert.equal(status, 200);
});

test("S-090 Retry-After is what the backlog will take, by what the node took before", async () => {
  const clock = manualClock();
  await using busy = await startBusy({ maxQueue: 1, clock });
  const { world, node, gate } = busy;
  const TAKES_MS = 1200;
  const slow = world.generate();
  await eventually(() => node.requests.length === 1);
  await clock.advance(TAKES_MS);
  gate.release();
  assert.equal((await slow).status, 200);
  const { behave, release } = held();
  node.behave = behave;
  const first = world.generate();
  await eventually(() => node.requests.length === 2);
  const second = world.generate();
  await eventually(async () => (await world.pending()) === 2 * 64 * 64);
  const refused = await world.generate();
  assert.equal(refused.status, 503);
  // One runs and one waits.
  assert.equal(refused.headers.get("retry-after-ms"), String(2 * TAKES_MS));
  release();
  for (const { status } of await Promise.all([first, second])) assert.equal(status, 200);
});

test("S-090 who waits too long for a node is told to come back", async () => {
  const clock = manualClock();
  await using busy = await startBusy({ queueTimeoutMs: 50, clock });
  const { world, node, gate } = busy;
  const first = world.generate();
  await eventually(() => node.requests.length === 1);
  const waiting = world.generate();
  await eventually(async () => (await world.pending()) === 2 * 64 * 64);
  const late = await turnUntil(clock, waiting);
  assert.deepEqual([late.status, late.json.error.code], [503, "overloaded"]);
  gate.release();
  assert.equal((await first).status, 200);
  assert.equal(await world.pending(), 0);
});

test("S-091 the deadline counts while waiting, too", async () => {
  const clock = manualClock();
  await using busy = await startBusy({ generationTimeoutMs: 150, clock });
  const { world } = busy;
  const both = Promise.all([world.generate(), world.generate()]);
  await eventually(async () => (await world.pending()) === 2 * 64 * 64);
  const answers = await turnUntil(clock, both);
  for (const { status, json } of answers) assert.deepEqual([status, json.error.code], [504, "timeout"]);
  assert.equal(await world.pending(), 0);
});

test("S-077 a client that leaves while waiting never reaches a node", async () => {
  await using busy = await startBusy();
  const { world, node, gate } = busy;
  const first = world.generate();
  await eventually(() => node.requests.length === 1);
  const leaving = new AbortController();
  const waiting = world.ask({}, leaving.signal);
  await eventually(async () => (await world.pending()) === 2 * 64 * 64);
  leaving.abort();
  await assert.rejects(waiting);
  await eventually(async () => (await world.pending()) === 64 * 64);
  gate.release();
  assert.equal((await first).status, 200);
  assert.equal((await world.generate()).status, 200);
  assert.equal(node.requests.length, 2);
});

test("accounts take turns, however many requests one of them sends", async () => {
  await using busy = await startBusy();
  const { world, node, gate } = busy;
  const other = await world.ledger.createAccount({ name: "modest" });
  await world.ledger.grant(other.id, 1_000_000, { reference: "start" });
  const { key } = await world.ledger.createKey({ accountId: other.id, name: "k" });
  const order: string[] = [];
  const greedy = Array.from({ length: 8 }, () => world.generate().then(() => order.push("greedy")));
  await eventually(async () => (await world.pending()) === 8 * 64 * 64);
  await eventually(() => node.requests.length === 1);
  const modest = world.generate({}, { authorization: `Bearer ${key}` }).then(() => order.push("modest"));
  await eventually(async () => (await world.ledger.getAccount(other.id))?.pending === 64 * 64);
  gate.release();
  await Promise.all([...greedy, modest]);
  assert.ok(order.indexOf("modest") <= 3, order.join(" "));
});

test("S-076 a gateway that stops: who gets a node in time is answered, who does not is told to come back elsewhere", async () => {
  await using busy = await startBusy();
  const { world, node, gate } = busy;
  const requests = Array.from({ length: 3 }, () => world.generate());
  await eventually(() => node.requests.length === 1);
  await eventually(async () => (await world.pending()) === 3 * 64 * 64);
  const { promise: next, resolve: finishNext } = Promise.withResolvers<void>();
  node.behave = async (...args) => {
    await next;
    await makePictures(...args);
  };
  const closed = world.gateway.close(3000);
  gate.release();
  await eventually(() => node.requests.length === 2);
  const refused = await Promise.any(
    requests.map(async (request) => {
      const answer = await request;
      if (answer.status === 200) throw new Error("not this one");
      return answer;
    }),
  );
  assert.deepEqual([refused.status, refused.json.error.code], [503, "shutting_down"]);
  assert.deepEqual([refused.headers.get("retry-after"), refused.headers.get("connection")], ["1", "close"]);
  finishNext();
  const statuses = (await Promise.all(requests)).map(({ status }) => status).toSorted();
  assert.deepEqual(statuses, [200, 200, 503]);
  await closed;
  assert.equal(await world.pending(), 0);
  assert.equal(node.requests.length, 2);
});

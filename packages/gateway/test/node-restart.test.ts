import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "./support/edits.ts";
import { eventually, startWorld } from "./support/gateway.ts";
import { type Behaviour, card, makePictures, type ScriptedNode, startScriptedNode } from "./support/scripted-node.ts";

// A node that goes away and comes back: what its requests get, and that none is begun twice.
const busy: Behaviour = (_job, response) => void response.writeHead(503, { "retry-after-ms": "30000" }).end("{}");

async function startOne(options: Parameters<typeof startWorld>[0] = {}) {
  const node = await startScriptedNode([{ ...card, edits: true }]);
  const world = await startWorld({ nodes: [{ name: "n", url: node.url }], ...options });
  return { node, world };
}

const again = (port: number): Promise<ScriptedNode> => startScriptedNode([{ ...card, edits: true }], port);

test("the only node refuses, goes, and comes back on its port: all that waited is made, once", async () => {
  const { node, world } = await startOne();
  await using _world = world;
  node.behave = busy;
  const requests = Array.from({ length: 12 }, () => world.generate());
  await eventually(() => node.requests.length > 0);
  await eventually(async () => (await world.pending()) === 12 * 64 * 64);
  await node[Symbol.asyncDispose]();
  // It asked for half a minute; what comes back is another process.
  await eventually(() => world.log.some((line) => line.includes("node is not ready")));
  await using fresh = await again(node.port);
  for (const { status, text } of await Promise.all(requests)) assert.equal(status, 200, text);
  assert.equal(fresh.requests.length, 12);
  assert.equal(await world.pending(), 0);
});

test("no connection: requests wait for the node, which gets each of them once", async () => {
  const { node, world } = await startOne();
  await using _world = world;
  assert.equal((await world.generate()).status, 200);
  await node[Symbol.asyncDispose]();
  const requests = Array.from({ length: 12 }, () => world.generate());
  await eventually(async () => (await world.pending()) === 12 * 64 * 64);
  await eventually(() => world.log.some((line) => line.includes("node is not ready")));
  await using fresh = await again(node.port);
  for (const { status, text } of await Promise.all(requests)) assert.equal(status, 200, text);
  assert.equal(fresh.requests.length, 12);
  assert.equal(await world.pending(), 0);
});

test("S-086 a node that went without a word is not waited for long, and then not at all", async () => {
  const { node, world } = await startOne();
  await using _world = world;
  await node[Symbol.asyncDispose]();
  // Far less than the queue's minute, or than what a node has that said it leaves.
  const waited = AbortSignal.timeout(15_000);
  const first = await Promise.all([world.generate(), world.generate()]);
  const then = await world.generate();
  assert.equal(waited.aborted, false);
  for (const { status, json } of [...first, then])
    assert.deepEqual([status, json.error.code], [500, "node_unreachable"]);
  assert.equal(await world.pending(), 0);
});

test("an edit that waits for its node has its pictures with it", async () => {
  const { node, world } = await startOne();
  await using _world = world;
  await node[Symbol.asyncDispose]();
  const form = new FormData();
  form.set("model", "scripted");
  form.set("prompt", "p");
  const picture = await create(64, 64).png().toBuffer();
  form.set("image", new Blob([new Uint8Array(picture)], { type: "image/png" }), "in.png");
  const answer = fetch(`${world.gateway.url}/v1/images/edits`, {
    method: "POST",
    headers: { authorization: `Bearer ${world.key}` },
    body: form,
  });
  await eventually(() => world.log.some((line) => line.includes("node cannot be reached")));
  await using fresh = await again(node.port);
  assert.equal((await answer).status, 200);
  assert.deepEqual(
    fresh.requests.map(({ files }) => files.map(({ value }) => Buffer.from(value).equals(picture))),
    [[true]],
  );
});

test("S-091 the deadline ends the wait for a node that is away; S-077 so does a client that leaves", async () => {
  const { node, world } = await startOne({ generationTimeoutMs: 400 });
  await using _world = world;
  await node[Symbol.asyncDispose]();
  const late = await world.generate();
  assert.deepEqual([late.status, late.json.error.code], [504, "timeout"]);
  const leaving = new AbortController();
  const waiting = world.ask({}, leaving.signal);
  await eventually(async () => (await world.pending()) > 0);
  leaving.abort();
  await assert.rejects(waiting);
  await eventually(async () => (await world.pending()) === 0);
});

test("a full queue bounds those that wait for a node that restarts", async () => {
  const { node, world } = await startOne({ maxQueue: 3 });
  await using _world = world;
  await node[Symbol.asyncDispose]();
  const requests = Array.from({ length: 9 }, () => world.generate());
  await eventually(() => world.log.filter((line) => line.includes("No node has capacity")).length >= 6);
  await using fresh = await again(node.port);
  const statuses = (await Promise.all(requests)).map(({ status }) => status).toSorted();
  assert.deepEqual(statuses, [200, 200, 200, 503, 503, 503, 503, 503, 503]);
  assert.equal(fresh.requests.length, 3);
  assert.equal(await world.pending(), 0);
});

test("S-090 a node's Retry-After is honoured, by whoever asked and by all others", async () => {
  const { node, world } = await startOne();
  await using _world = world;
  const times: number[] = [];
  node.behave = (_job, response) => {
    times.push(performance.now());
    response.writeHead(429, { "retry-after-ms": "400" }).end("{}");
    node.behave = async (...args) => {
      times.push(performance.now());
      await makePictures(...args);
    };
  };
  const first = world.generate();
  await eventually(() => times.length === 1);
  const answers = await Promise.all([first, world.generate(), world.generate()]);
  for (const { status } of answers) assert.equal(status, 200);
  const [asked = 0, ...later] = times;
  assert.equal(later.length, 3);
  for (const time of later) assert.ok(time - asked >= 399, `${time - asked} ms later`);
  await node[Symbol.asyncDispose]();
});

test("after five failures a node gets nothing for a second, then one request as a trial, then all", async () => {
  const { node, world } = await startOne();
  await using _world = world;
  node.behave = (_job, response) => void response.writeHead(500).end("{}");
  for (let i = 0; i < 5; i++) assert.equal((await world.generate()).json.error.code, "node_bad_response");
  const opened = performance.now();
  const { promise: trial, resolve: endTrial } = Promise.withResolvers<void>();
  const began: number[] = [];
  node.behave = async (...args) => {
    began.push(performance.now());
    await trial;
    await makePictures(...args);
  };
  const waiting = Array.from({ length: 4 }, () => world.generate());
  await eventually(() => began.length === 1);
  await eventually(async () => (await world.pending()) === 4 * 64 * 64);
  assert.equal(began.length, 1);
  assert.ok((began[0] ?? 0) - opened >= 900, "not before the second is over");
  endTrial();
  for (const { status } of await Promise.all(waiting)) assert.equal(status, 200);
  await node[Symbol.asyncDispose]();
});

test("what a node has begun is never begun again, whatever waits beside it", async () => {
  const { node, world } = await startOne();
  await using _world = world;
  node.remember = (_request, response) => void response.writeHead(410).end('{"error":{"code":"request_gone"}}');
  node.behave = async (job, response, request) => {
    response.writeHead(200).write("", () => response.socket?.resetAndDestroy());
    node.behave = makePictures;
    await makePictures(job, response, request);
  };
  const lost = await world.generate();
  assert.deepEqual([lost.status, lost.json.error.code], [500, "node_bad_response"]);
  assert.equal(node.requests.length, 1);
  assert.equal(await world.pending(), 0);
  await node[Symbol.asyncDispose]();
});

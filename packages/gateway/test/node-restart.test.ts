import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "./support/edits.ts";
import { eventually, startWorld } from "./support/gateway.ts";
import { manualClock, turnUntil } from "./support/manual-clock.ts";
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
  const clock = manualClock();
  const { node, world } = await startOne({ clock });
  await using _world = world;
  await node[Symbol.asyncDispose]();
  const began = clock.monotonic();
  const first = await turnUntil(clock, Promise.all([world.generate(), world.generate()]));
  // Far less than the queue's minute, or than what a node has that said it leaves.
  assert.ok(clock.monotonic() - began < 15_000);
  const then = await world.generate();
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
  const clock = manualClock();
  const { node, world } = await startOne({ generationTimeoutMs: 400, clock });
  await using _world = world;
  await node[Symbol.asyncDispose]();
  const late = await turnUntil(clock, world.generate());
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
  const clock = manualClock();
  const { node, world } = await startOne({ clock });
  await using _world = world;
  node.behave = (_job, response) => {
    response.writeHead(429, { "retry-after-ms": "400" }).end("{}");
    node.behave = makePictures;
  };
  const first = world.generate();
  await eventually(() => node.requests.length === 1);
  const others = [world.generate(), world.generate()];
  await eventually(async () => (await world.pending()) === 3 * 64 * 64);
  await clock.advance(399);
  assert.equal(node.requests.length, 1, "not before its time");
  await clock.advance(1);
  for (const { status } of await Promise.all([first, ...others])) assert.equal(status, 200);
  assert.equal(node.requests.length, 4);
  await node[Symbol.asyncDispose]();
});

test("after five failures a node gets nothing for a second, then one request as a trial, then all", async () => {
  const clock = manualClock();
  const { node, world } = await startOne({ clock });
  await using _world = world;
  node.behave = (_job, response) => void response.writeHead(500).end("{}");
  for (let i = 0; i < 5; i++) assert.equal((await world.generate()).json.error.code, "node_bad_response");
  const { promise: trial, resolve: endTrial } = Promise.withResolvers<void>();
  let began = 0;
  node.behave = async (...args) => {
    began++;
    await trial;
    await makePictures(...args);
  };
  const waiting = Array.from({ length: 4 }, () => world.generate());
  await eventually(async () => (await world.pending()) === 4 * 64 * 64);
  await clock.advance(999);
  assert.equal(began, 0, "not before the second is over");
  await clock.advance(1);
  await eventually(() => began === 1);
  await clock.advance(5_000);
  assert.equal(began, 1);
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

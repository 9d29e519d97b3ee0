import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { eventually, startWorld } from "./support/gateway.ts";
import {
  type Behaviour,
  finish,
  makePictures,
  sendPicture,
  startScriptedNode,
  writeEvent,
} from "./support/scripted-node.ts";

const reset = (response: ServerResponse) => void response.socket?.resetAndDestroy();
const seedOf = (answer: { json: { data: { seed: number }[] } }) => answer.json.data[0]?.seed;

/** Two nodes; the first breaks every connection, after `before` was sent. */
async function startPair(before: Behaviour) {
  const second = await startScriptedNode();
  const first = await startScriptedNode();
  first.behave = async (job, response, request) => {
    await before(job, response, request);
    setImmediate(reset, response);
  };
  const world = await startWorld({
    nodes: [
      { name: "first", url: first.url },
      { name: "second", url: second.url, draining: true },
    ],
  });
  return {
    world,
    first,
    second,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
      await second[Symbol.asyncDispose]();
    },
  };
}

const nothing: Behaviour = () => {};

test("a connection lost before the answer: the finished picture is collected, and made once", async () => {
  await using pair = await startPair(nothing);
  const { world, first } = pair;
  first.remember = (_request, response) => {
    const job = first.requests[0]?.job;
    if (job) void makePictures({ ...job, seed: 4242 }, response, _request);
  };
  const answer = await world.generate();
  assert.deepEqual([answer.status, seedOf(answer)], [200, 4242]);
  assert.equal(first.requests.length, 1);
  assert.deepEqual(first.asked, [`GET ${first.requests[0]?.headers["x-request-id"]}`]);
  assert.equal(await world.available(), 1_000_000_000 - 64 * 64);
});

test("a connection lost in mid-answer: what came before is not taken twice, what follows is awaited", async () => {
  const sent: Behaviour = async (job, response) => {
    writeEvent(response, { type: "progress", index: 0, step: 1, steps: 2 });
    await sendPicture({ ...job, partial_images: 1 }, response, 0, 9);
  };
  await using pair = await startPair(sent);
  const { world, first } = pair;
  first.remember = async (_request, response) => {
    const job = first.requests[0]?.job;
    if (!job) return;
    await sent(job, response, _request);
    await sendPicture({ ...job, partial_images: 1 }, response, 1, 10);
    finish(response);
  };
  const { text } = await world.generate({ n: 2, stream: true, partial_images: 1 });
  assert.deepEqual(
    [...text.matchAll(/^event: (.*)$/gm)].map((match) => match[1]),
    [
      "image_generation.partial_image",
      "image_generation.partial_image",
      "image_generation.completed",
      "image_generation.completed",
    ],
  );
  assert.equal(first.requests.length, 1);
});

test("a node that never got the request promises not to begin it; then another one is asked", async () => {
  await using pair = await startPair(nothing);
  const { first } = pair;
  await using other = await startScriptedNode();
  await using world = await startWorld({
    nodes: [
      { name: "first", url: first.url, maxConcurrent: 1 },
      { name: "other", url: other.url },
    ],
  });
  // Until the circuit opens, some of the requests go to the first node.
  for (let i = 0; i < 6; i++) assert.equal((await world.generate()).status, 200);
  assert.equal(other.requests.length, 6);
  const ids = first.requests.map(({ headers }) => headers["x-request-id"]);
  assert.deepEqual(
    first.asked.slice(0, 2 * ids.length),
    ids.flatMap((id) => [`GET ${id}`, `DELETE ${id}`]),
  );
  assert.equal(await world.pending(), 0);
});

test("after something was shown to the client nothing is begun again", async () => {
  await using pair = await startPair(async (job, response) => sendPicture(job, response, 0, 9));
  const { world, first } = pair;
  const answer = await world.generate();
  assert.deepEqual([answer.status, answer.json.error.code], [500, "node_bad_response"]);
  assert.equal(first.requests.length, 1);
  assert.equal(await world.pending(), 0);
});

test("a generation that failed meanwhile stays failed", async () => {
  await using pair = await startPair(nothing);
  const { world, first } = pair;
  first.remember = (_request, response) =>
    void response.writeHead(500).end(JSON.stringify({ error: { code: "generation_failed", message: "…" } }));
  const answer = await world.generate();
  assert.deepEqual([answer.status, answer.json.error.code], [500, "generation_failed"]);
  assert.equal(first.requests.length, 1);
});

test("S-077 who leaves, and what is no good, is cancelled by its id", async () => {
  await using world = await startWorld();
  const { node } = world;
  node.behave = (_job, response) => writeEvent(response, { type: "progress", index: 0, step: 1, steps: 9 });
  const leaving = new AbortController();
  const request = world.ask({}, leaving.signal);
  await eventually(() => node.requests.length === 1);
  leaving.abort();
  await assert.rejects(request);
  await eventually(() => node.asked.length === 1);
  node.behave = (_job, response) => void response.end(Buffer.from([5]));
  await world.generate();
  await eventually(() => node.asked.length === 2);
  assert.deepEqual(
    node.asked,
    node.requests.map(({ headers }) => `DELETE ${headers["x-request-id"]}`),
  );
});

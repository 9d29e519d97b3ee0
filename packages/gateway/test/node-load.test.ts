import assert from "node:assert/strict";
import { test } from "node:test";
import { type NodeConfig, readForeignModel } from "../src/index.ts";
import { type ForeignServer, startForeignServer } from "./support/foreign-servers.ts";
import { eventually, startWorld } from "./support/gateway.ts";
import { startScriptedNode } from "./support/scripted-node.ts";

const size = "512x512";
const TELLING = ["vllm-omni", "mistralrs"] as const;

const nodeOf = (dialect: (typeof TELLING)[number], name: string, { url }: ForeignServer): NodeConfig => ({
  name,
  url,
  dialect,
  models: [readForeignModel({ id: "scripted" }, dialect)],
});

/** Until it was asked for its metrics twice more: the first answer may be from before. */
async function asked(server: ForeignServer): Promise<void> {
  const until = server.scraped + 2;
  await eventually(() => server.scraped >= until);
}

for (const dialect of TELLING) {
  test(`${dialect}: a node that others keep busy gets less, as long as its metrics say so`, async () => {
    await using busy = await startForeignServer(dialect);
    await using free = await startForeignServer(dialect);
    busy.strangers = 1000;
    await using world = await startWorld({ nodes: [nodeOf(dialect, "busy", busy), nodeOf(dialect, "free", free)] });
    for (let i = 0; i < 10; i++) assert.equal((await world.generate({ size })).status, 200);
    assert.deepEqual([busy.requests.length, free.requests.length], [0, 10]);
    [busy.strangers, free.strangers] = [0, 1000];
    await asked(busy);
    await asked(free);
    const before = free.requests.length;
    for (let i = 0; i < 10; i++) assert.equal((await world.generate({ size })).status, 200);
    assert.equal(free.requests.length, before, "what it said is forgotten when it says otherwise");
  });
}

test("a server without metrics, or with others than expected, is as good as one with nothing to do", async () => {
  await using odd = await startForeignServer("vllm-omni");
  await using busy = await startForeignServer("vllm-omni");
  busy.strangers = 1000;
  const nodes = [nodeOf("vllm-omni", "odd", odd), nodeOf("vllm-omni", "busy", busy)];
  for (const metrics of [
    (response) => response.writeHead(404).end("Not Found"),
    (response) => response.writeHead(503).end(),
    (response) => response.end("<html></html>"),
    (response) => response.end("vllm_omni:num_requests_running NaN\n"),
    (response) => response.end(Buffer.alloc(3 * 2 ** 20, "# comment\n")),
    (response) => response.destroy(),
    () => {}, // never answers
  ] satisfies ForeignServer["metrics"][]) {
    odd.metrics = metrics;
    await using world = await startWorld({ nodes });
    const before = busy.requests.length;
    for (let i = 0; i < 3; i++) assert.equal((await world.generate({ size })).status, 200);
    assert.equal(busy.requests.length, before, String(metrics));
  }
});

test("atoma: pixel-steps that others wait for, and what one takes, decide who gets a request", async () => {
  const loadOf = (pending: number, seconds: number | null) => ({
    running: 1,
    queued: 0,
    pending_pixel_steps: pending,
    seconds_per_pixel_step: seconds,
    models: [{ id: "scripted", pending_pixel_steps: pending, seconds_per_pixel_step: seconds }],
  });
  await using one = await startScriptedNode();
  await using other = await startScriptedNode();
  [one.load, other.load] = [loadOf(10 ** 9, 1e-6), loadOf(0, 1e-6)];
  const nodes = [
    { name: "one", url: one.url },
    { name: "other", url: other.url },
  ];
  await using world = await startWorld({ nodes });
  for (let i = 0; i < 10; i++) assert.equal((await world.generate()).status, 200);
  assert.deepEqual([one.requests.length, other.requests.length], [0, 10], "one has much to do");

  await using fresh = await startWorld({ nodes });
  [one.load, other.load] = [loadOf(0, 1e-9), loadOf(0, 1)];
  const until = [one.loadAsked + 2, other.loadAsked + 2];
  await eventually(() => one.loadAsked >= (until[0] ?? 0) && other.loadAsked >= (until[1] ?? 0));
  // Nothing has been measured here yet: what they say of themselves is all that is known.
  assert.equal((await fresh.generate()).status, 200);
  assert.deepEqual([one.requests.length, other.requests.length], [1, 10], "the other is slower");

  for (const odd of [{}, { pending_pixel_steps: "many" }, { pending_pixel_steps: -1, models: 7 }, []]) {
    one.load = odd;
    const asked = one.loadAsked + 2;
    await eventually(() => one.loadAsked >= asked);
    assert.equal((await world.generate()).status, 200, JSON.stringify(odd));
  }
});

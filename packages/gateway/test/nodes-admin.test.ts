import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import pino from "pino";
import { startGateway } from "../src/index.ts";
import { startForeignServer } from "./support/foreign-servers.ts";
import { eventually, startWorld, type World } from "./support/gateway.ts";
import { manualClock } from "./support/manual-clock.ts";
import { checkedFetch } from "./support/openapi.ts";
import { finish, sendPicture, startScriptedNode, writeEvent } from "./support/scripted-node.ts";

const adminKey = "sk-atoma-admin-test";
/** Requests do not wait for a node that is drained to come back. */
const settings = { adminKey, queueTimeoutMs: 100 };

async function admin(world: World, method: string, path: string, body?: object) {
  const response = await checkedFetch(`${world.gateway.url}/admin/v1/nodes${path}`, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  // biome-ignore lint/suspicious/noExplicitAny: bodies are asserted field by field
  return { status: response.status, text, json: text === "" ? undefined : (JSON.parse(text) as any) };
}

function heartbeat(world: World, token: string, body: object) {
  return checkedFetch(`${world.gateway.url}/v1/nodes/heartbeat`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

test("a node that is added is used by every gateway within a second, and no token is ever shown", async () => {
  await using world = await startWorld({ ...settings, nodes: [] });
  await using node = await startScriptedNode();
  await using sglang = await startForeignServer("sglang");
  const folder = await mkdtemp(join(tmpdir(), "atoma-second-"));
  const { ledger } = world;
  const options = { host: "127.0.0.1", port: 0, nodes: [], filesDir: folder, queueTimeoutMs: 100 };
  const second = await startGateway({ ...options, ledger, log: pino({ level: "silent" }) });
  const ask = (model: string) =>
    fetch(`${second.url}/v1/images/generations`, {
      method: "POST",
      headers: { authorization: `Bearer ${world.key}`, "content-type": "application/json" },
      body: JSON.stringify({ model, prompt: "p", size: "256x256" }),
    });

  assert.equal((await ask("scripted")).status, 404);
  const added = await admin(world, "POST", "", { name: "one", url: node.url, token: "node-secret", max_concurrent: 2 });
  assert.equal(added.status, 201);
  const foreign = await admin(world, "POST", "", {
    name: "two",
    url: sglang.url,
    dialect: "sglang",
    models: [{ id: "flux", upstream: "black-forest-labs/FLUX.1-dev", steps: { default: 28 } }],
  });
  assert.equal(foreign.status, 201, foreign.text);
  for (const model of ["scripted", "flux"]) await eventually(async () => (await ask(model)).status === 200);
  assert.equal(node.requests[0]?.headers.authorization, "Bearer node-secret");
  assert.deepEqual(
    [sglang.requests[0]?.body.model, sglang.requests[0]?.understood?.steps],
    ["black-forest-labs/FLUX.1-dev", 28],
  );

  const { json, text } = await admin(world, "GET", "");
  assert.doesNotMatch(text, /node-secret/);
  assert.deepEqual(
    json.data.map((n: { name: string; dialect: string; max_concurrent: number }) => [
      n.name,
      n.dialect,
      n.max_concurrent,
    ]),
    [
      ["one", "atoma", 2],
      ["two", "sglang", 8],
    ],
  );
  assert.equal(json.waiting, 0);

  await admin(world, "POST", "/one/drain");
  await eventually(async () => (await ask("scripted")).status !== 200);
  await admin(world, "POST", "/one/resume");
  await eventually(async () => (await ask("scripted")).status === 200);
  assert.equal((await admin(world, "DELETE", "/one")).status, 204);
  await eventually(async () => (await ask("scripted")).status === 404);
  await second.close(0);
  await rm(folder, { recursive: true });
});

test("what is wrong with a node is told", async () => {
  await using world = await startWorld(settings);
  const good = { name: "x", url: "http://10.0.0.9:1" };
  const wrong: [object, string][] = [
    [{ ...good, url: "http://u:p@h/" }, "url"],
    [{ ...good, url: "http://h/path" }, "url"],
    [{ ...good, dialect: "comfy" }, "dialect"],
    [{ ...good, dialect: "sglang" }, "models"],
    [{ ...good, models: [{ id: "m" }] }, "models"],
    [{ ...good, dialect: "sdcpp", models: [{ id: "m", stepz: 3 }] }, "models"],
    [{ ...good, secret: 1 }, "secret"],
    [{ ...good, max_concurrent: 10_001 }, "max_concurrent"],
    [{ url: good.url }, "name"],
  ];
  for (const [body, param] of wrong) {
    const { status, json } = await admin(world, "POST", "", body);
    assert.deepEqual([status, json.error.param], [400, param], JSON.stringify(body));
  }
  assert.equal((await admin(world, "POST", "/nope/drain")).status, 404);
  assert.equal((await admin(world, "DELETE", "/nope")).status, 404);
  assert.equal((await admin(world, "POST", "", good)).status, 201);
  assert.equal((await admin(world, "POST", "", good)).json.error.code, "node_exists");
  // It would never be asked: the configuration comes first.
  for (const body of [
    { ...good, name: "n1" },
    { name: "n1", joins: true },
  ]) {
    const { status, json } = await admin(world, "POST", "", body);
    assert.deepEqual([status, json.error.code], [400, "node_exists"]);
  }
  // A node of the configuration can be drained, too.
  assert.deepEqual((await admin(world, "POST", "/n1/drain")).json.draining, true);
  await eventually(async () => (await world.generate()).status !== 200);
  await admin(world, "POST", "/n1/resume");
  await eventually(async () => (await world.generate()).status === 200);
});

test("a node joins with its own credential, leaves when it stops, and is gone when it is silent", async () => {
  const clock = manualClock();
  await using world = await startWorld({ ...settings, nodes: [], queueTimeoutMs: 0, clock });
  await using node = await startScriptedNode();
  /** What a request gets once the list of nodes was looked at again. */
  const becomes = (wanted: number) =>
    eventually(async () => {
      await clock.advance(500);
      return (await world.generate()).status === wanted;
    });
  const { json } = await admin(world, "POST", "", { name: "joiner", joins: true });
  const token: string = json.join_token;
  const beat = { url: node.url, token: "node-secret" };
  for (const other of ["nope", adminKey, world.key]) assert.equal((await heartbeat(world, other, beat)).status, 401);
  const wrong = [{ ...beat, url: "nope" }, { ...beat, leaving: "yes" }, { ...beat, name: "other" }, { url: 1 }, {}];
  for (const body of wrong) assert.equal((await heartbeat(world, token, body)).status, 400, JSON.stringify(body));
  const answer = await heartbeat(world, token, beat);
  assert.equal(answer.status, 200);
  const { expires_at: expires } = (await answer.json()) as { expires_at: number };
  assert.equal(expires, clock.now() + 10_000);
  await becomes(200);
  assert.equal(node.requests[0]?.headers.authorization, "Bearer node-secret");
  await heartbeat(world, token, { ...beat, leaving: true });
  await becomes(503);
  await heartbeat(world, token, beat);
  await becomes(200);
  // Ten seconds of silence, and then as many as a restart takes.
  await clock.advance(10_000);
  await becomes(503);
  await clock.advance(30_000);
  await becomes(404);
  assert.equal((await admin(world, "DELETE", "/joiner")).status, 204);
  assert.equal((await heartbeat(world, token, beat)).status, 401);
});

test("whoever has the answer to a drain finds it in force, even while an older list is being read", async () => {
  let next: Promise<void> | undefined;
  let held = false;
  await using world = await startWorld({
    ...settings,
    wrapLedger: (ledger) => ({
      ...ledger,
      nodes: {
        ...ledger.nodes,
        async list() {
          const gate = next;
          next = undefined;
          const entries = await ledger.nodes.list();
          if (gate) held = true;
          await gate;
          return entries;
        },
      },
    }),
  });
  assert.equal((await world.generate()).status, 200);
  const { promise, resolve } = Promise.withResolvers<void>();
  next = promise;
  await eventually(() => held);
  // The list that is being read is from before the drain.
  const drained = admin(world, "POST", "/n1/drain");
  await eventually(async () => (await world.ledger.nodes.list()).some(({ draining }) => draining));
  resolve();
  assert.equal((await drained).json.draining, true);
  const before = world.node.requests.length;
  assert.equal((await world.generate()).status, 503);
  assert.equal(world.node.requests.length, before);
});

test("a node that is removed finishes what it does, and hears of clients that leave meanwhile", async () => {
  await using world = await startWorld({ ...settings, nodes: [] });
  await using node = await startScriptedNode();
  await admin(world, "POST", "", { name: "one", url: node.url });
  const { promise: mayFinish, resolve: finishFirst } = Promise.withResolvers<void>();
  node.behave = async (job, response) => {
    const first = node.requests.length === 1;
    writeEvent(response, { type: "progress", index: 0, step: 1, steps: 2 });
    if (!first) return; // until its client leaves
    await mayFinish;
    await sendPicture(job, response, 0, 1);
    finish(response);
  };
  await eventually(async () => (await world.get("/v1/models/scripted")).status === 200);
  const staying = world.generate();
  await eventually(() => node.requests.length === 1);
  const leaving = new AbortController();
  const left = world.ask({}, leaving.signal);
  await eventually(() => node.requests.length === 2);
  assert.equal((await admin(world, "DELETE", "/one")).status, 204);
  assert.equal((await world.generate()).status, 404, "it gets nothing new");
  finishFirst();
  assert.equal((await staying).status, 200);
  leaving.abort();
  await assert.rejects(left);
  await eventually(() => node.asked.length === 1);
  assert.match(node.asked[0] ?? "", /^DELETE /);
  await eventually(async () => (await node.connections()) === 0);
});

test("a gateway that closes at once has its nodes stop", async () => {
  await using node = await startScriptedNode();
  const world = await startWorld({ nodes: [{ name: "n1", url: node.url }] });
  node.behave = (_job, response) => writeEvent(response, { type: "progress", index: 0, step: 1, steps: 2 });
  const cut = assert.rejects(world.generate());
  await eventually(() => node.requests.length === 1);
  await world[Symbol.asyncDispose]();
  await cut;
  await eventually(() => node.asked.length === 1);
  assert.match(node.asked[0] ?? "", /^DELETE /);
});

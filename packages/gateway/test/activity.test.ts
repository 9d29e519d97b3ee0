import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, startWorld, type World } from "./support/gateway.ts";
import { manualClock } from "./support/manual-clock.ts";
import { checkedFetch } from "./support/openapi.ts";
import { finish, sendPicture, writeEvent } from "./support/scripted-node.ts";

const adminKey = "sk-atoma-admin-test";

async function admin(world: World, path: string, headers: Record<string, string> = {}) {
  const response = await checkedFetch(`${world.gateway.url}/admin/v1${path}`, {
    headers: { authorization: `Bearer ${adminKey}`, ...headers },
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json");
  // biome-ignore lint/suspicious/noExplicitAny: bodies are asserted field by field
  return { status: response.status, text, json: (isJson ? JSON.parse(text) : undefined) as any };
}

test("requests are counted by how they ended: pictures and units only where they were delivered", async () => {
  await using world = await startWorld({ adminKey });
  const { node } = world;
  assert.equal((await world.generate({ n: 2 })).status, 200);
  const key = { "idempotency-key": "once" };
  assert.equal((await world.generate({}, key)).status, 200);
  assert.equal((await world.generate({}, key)).headers.get("idempotent-replayed"), "true");
  node.behave = (_job, response) => void response.writeHead(500).end();
  assert.equal((await world.generate({})).status, 500);
  node.behave = (_job, response) => {
    writeEvent(response, { type: "progress", index: 0, step: 1, steps: 4 });
    response.destroy();
  };
  // A stream that has begun fails with status 200 and a last event.
  const streamed = await world.generate(
    { stream: true, partial_images: 1 },
    { accept: "text/event-stream; progress=1" },
  );
  assert.equal(streamed.status >= 500 || streamed.text.includes('"error"'), true);
  const broke = await world.ledger.createAccount({ name: "broke" });
  const { key: poor } = await world.ledger.createKey({ accountId: broke.id, name: "k" });
  assert.equal((await world.generate({}, { authorization: `Bearer ${poor}` })).status, 402);
  // What names no model is nobody's.
  assert.equal((await world.generate({ size: "7x7" })).status, 400);

  const { json } = await admin(world, "/activity?group=account");
  const mine = json.data.find((point: { group: string }) => point.group === world.accountId);
  const { start, p50_ms, p95_ms, p99_ms, ...figures } = mine;
  assert.deepEqual(figures, {
    group: world.accountId,
    requests: 5,
    succeeded: 3,
    refused: 0,
    failed: 2,
    left: 0,
    images: 3,
    units: 3 * 4096,
  });
  assert.equal(start % 3_600_000, 0);
  assert.ok(0 < p50_ms && p50_ms <= p95_ms && p95_ms <= p99_ms);
  const theirs = json.data.find((point: { group: string }) => point.group === broke.id);
  assert.deepEqual([theirs.requests, theirs.refused, theirs.p50_ms], [1, 1, null]);

  const csv = await admin(world, "/activity?group=model&step=day", { accept: "text/csv" });
  const [head, row] = csv.text.split("\r\n");
  assert.match(head ?? "", /^start,group,requests/);
  assert.match(row ?? "", /^\d+,scripted,6,3,1,2,0,3,12288,/);
});

test("a request whose client left is logged and counted, before its answer has begun and in the middle of it", async () => {
  await using world = await startWorld({ adminKey });
  const { node } = world;
  let begun = Promise.withResolvers<void>();
  node.behave = (_job, response) => {
    writeEvent(response, { type: "progress", index: 0, step: 1, steps: 4 });
    begun.resolve();
  };
  const ask = (body: object, signal: AbortSignal) =>
    fetch(`${world.gateway.url}/v1/images/generations`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${world.key}`,
        "content-type": "application/json",
        accept: "text/event-stream; progress=1",
      },
      body: JSON.stringify({ model: "scripted", prompt: "x", ...body }),
      signal,
    });
  const whole = new AbortController();
  const refused = assert.rejects(ask({}, whole.signal));
  await begun.promise;
  whole.abort();
  await refused;
  begun = Promise.withResolvers();
  const stream = new AbortController();
  const answer = await ask({ stream: true }, stream.signal);
  await answer.body?.getReader().read();
  stream.abort();
  const ended = () =>
    world.log
      .map((line) => JSON.parse(line))
      .filter(({ msg, route }) => msg === "request" && route === "/v1/images/generations");
  await eventually(async () => ended().length === 2);
  assert.deepEqual(
    ended().map(({ status, left }) => [status, left]),
    [
      [499, true],
      [200, true],
    ],
  );
  const { json } = await admin(world, "/activity");
  const [{ requests, left, images, units }] = json.data;
  assert.deepEqual([requests, left, images, units], [2, 2, 0, 0]);
});

test("an answer tells how long it took", async () => {
  const clock = manualClock();
  await using world = await startWorld({ clock });
  world.node.behave = async (job, response) => {
    await clock.advance(1234);
    await sendPicture(job, response, 0, 1);
    finish(response);
  };
  assert.equal((await world.generate()).headers.get("openai-processing-ms"), "1234");
});

test("activity refuses a range, a step and a group that are none", async () => {
  await using world = await startWorld({ adminKey });
  for (const query of ["from=x", "to=1e3", "step=week", "group=node", "from=0", "step=hour&step=day"]) {
    const { status, json } = await admin(world, `/activity?${query}`);
    assert.equal(status, 400, query);
    assert.equal(json.error.type, "invalid_request_error", query);
  }
});

test("what a gateway is at is listed with its node and step, and is gone when it ends", async () => {
  await using world = await startWorld({ adminKey });
  const began = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  world.node.behave = async (job, response) => {
    writeEvent(response, { type: "progress", index: 0, step: 3, steps: 4 });
    began.resolve();
    await goOn.promise;
    await sendPicture(job, response, 0, 1);
    finish(response);
  };
  const answer = world.generate({});
  await began.promise;
  let [live] = (await admin(world, "/requests")).json.data;
  // The step has left the node; it is a moment later here.
  for (let turn = 0; turn < 1000 && live.step === null; turn++) [live] = (await admin(world, "/requests")).json.data;
  const { id, key_id, started_at, ...rest } = live;
  assert.deepEqual(rest, {
    account_id: world.accountId,
    model: "scripted",
    operation: "image_generation",
    images: 1,
    width: 64,
    height: 64,
    units: 4096,
    node: "n1",
    step: 3,
    steps: 4,
  });
  assert.ok(key_id && started_at > 0);
  goOn.resolve();
  assert.equal((await answer).headers.get("x-request-id"), id);
  assert.deepEqual((await admin(world, "/requests")).json.data, []);
});

test("a node says why it gets nothing: its circuit, how long, and the reason", async () => {
  await using world = await startWorld({ adminKey });
  const [before] = (await admin(world, "/nodes")).json.data;
  assert.deepEqual([before.circuit, before.opens_in_ms, before.reason], ["closed", null, null]);
  world.node.behave = (_job, response) => void response.writeHead(500).end();
  for (let i = 0; i < 5; i++) assert.equal((await world.generate({})).status, 500);
  const [after] = (await admin(world, "/nodes")).json.data;
  assert.equal(after.circuit, "open");
  assert.ok(after.opens_in_ms === null || after.opens_in_ms <= 1000);
});

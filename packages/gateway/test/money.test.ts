import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, startWorld, type World } from "./support/gateway.ts";
import { manualClock } from "./support/manual-clock.ts";
import { type Behaviour, finish, makePictures, picture, sendPicture, writeEvent } from "./support/scripted-node.ts";

const UNITS = 64 * 64;

async function untouched(world: World, grant: number): Promise<void> {
  assert.equal(await world.pending(), 0);
  assert.equal(await world.available(), grant);
}

test("S-080 S-081 one unit short is refused, the exact balance is not", async () => {
  await using world = await startWorld({ grant: 2 * UNITS - 1 });
  assert.equal((await world.generate()).status, 200);
  const refused = await world.generate();
  assert.deepEqual([refused.status, refused.json.error.code], [402, "insufficient_quota"]);
  assert.equal(refused.headers.get("x-should-retry"), "false");
  assert.equal(world.node.requests.length, 1);
  assert.equal(await world.available(), UNITS - 1);
  await world.ledger.grant(world.accountId, 1, { reference: "one more" });
  assert.equal((await world.generate()).status, 200);
  assert.equal(await world.available(), 0);
});

test("S-082 fifty at once with balance for twenty", async () => {
  await using world = await startWorld({ grant: 20 * UNITS });
  const answers = await Promise.all(Array.from({ length: 50 }, () => world.generate()));
  const count = (status: number) => answers.filter((a) => a.status === status).length;
  assert.deepEqual([count(200), count(402)], [20, 30]);
  assert.equal(await world.available(), 0);
  assert.deepEqual(await world.ledger.verify(), []);
});

test("a bad request reserves nothing", async () => {
  await using world = await startWorld({ grant: UNITS });
  for (const fields of [{ n: 0 }, { size: "1024xfoox1024" }, { model: "nope" }]) await world.generate(fields);
  assert.deepEqual((await world.ledger.listHolds()).holds, []);
});

/** What a node may do wrong before or instead of its pictures; the client's answer, nothing charged. */
const FAULTS: Record<string, { behave: Behaviour; status: number; code: string }> = {
  "S-083 500": {
    behave: (_job, response) => void response.writeHead(500).end("stack trace at 10.0.0.1"),
    status: 500,
    code: "node_bad_response",
  },
  "S-087 HTML": {
    behave: (_job, response) => void response.end("<html>gateway</html>"),
    status: 500,
    code: "node_bad_response",
  },
  "S-087 200 with an error": {
    behave: (_job, response) => void response.end('{"error":"text"}'),
    status: 500,
    code: "node_bad_response",
  },
  "S-087 connection lost in mid-answer": {
    async behave(job, response) {
      await sendPicture(job, response, 0, 1);
      response.socket?.destroySoon();
    },
    status: 500,
    code: "node_bad_response",
  },
  "S-087 clean end without done": {
    async behave(job, response) {
      await sendPicture(job, response, 0, 1);
      response.end();
    },
    status: 500,
    code: "node_bad_response",
  },
  "S-084 fewer pictures than ordered": {
    async behave(job, response) {
      await sendPicture(job, response, 0, 1);
      finish(response);
    },
    status: 500,
    code: "node_bad_response",
  },
  "S-087 wrong dimensions": {
    async behave(job, response) {
      await sendPicture({ ...job, size: "32x32" }, response, 0, 1);
      finish(response);
    },
    status: 500,
    code: "node_bad_response",
  },
  "S-087 another format": {
    async behave(job, response) {
      const bytes = await picture({ ...job, output_format: "jpeg" }, 1);
      writeEvent(response, { type: "image", index: 0, bytes, seed: 1, width: 64, height: 64, format: "png" });
      finish(response);
    },
    status: 500,
    code: "node_bad_response",
  },
  "S-087 bytes that are no picture": {
    behave(_job, response) {
      const bytes = Buffer.from("not a picture at all, whatever it says");
      writeEvent(response, { type: "image", index: 0, bytes, seed: 1, width: 64, height: 64, format: "png" });
      finish(response);
    },
    status: 500,
    code: "node_bad_response",
  },
  "S-089 the gateway's own credential is refused": {
    behave: (_job, response) => void response.writeHead(401).end("{}"),
    status: 500,
    code: "node_bad_response",
  },
  "S-095 a redirect": {
    behave: (_job, response) => void response.writeHead(302, { location: "http://169.254.169.254/" }).end(),
    status: 500,
    code: "node_bad_response",
  },
  "S-088 a refusal of the request": {
    behave: (_job, response) =>
      void response
        .writeHead(400)
        .end(
          JSON.stringify({ error: { message: "No.", type: "x", param: "prompt", code: "string_above_max_length" } }),
        ),
    status: 400,
    code: "string_above_max_length",
  },
  "S-096 moderation": {
    behave: (_job, response) =>
      void response.writeHead(400).end(JSON.stringify({ error: { message: "…", code: "moderation_blocked" } })),
    status: 400,
    code: "moderation_blocked",
  },
  "S-090 busy": {
    behave: (_job, response) => void response.writeHead(503, { "retry-after-ms": "15" }).end("{}"),
    status: 503,
    code: "overloaded",
  },
  "a model process that died": {
    behave: (_job, response) => {
      writeEvent(response, { type: "progress", index: 0, step: 1, steps: 2 });
      writeEvent(response, { type: "error", code: "generation_failed", message: "…" });
      response.end();
    },
    status: 500,
    code: "generation_failed",
  },
};

test("node faults: the client gets a documented error, the account keeps its units", async (t) => {
  await using world = await startWorld({ queueTimeoutMs: 500 });
  for (const [name, { behave, status, code }] of Object.entries(FAULTS)) {
    await t.test(name, async () => {
      world.node.behave = behave;
      const before = { requests: world.node.requests.length, available: await world.available() };
      const answer = await world.generate({ n: name.startsWith("S-084") ? 4 : 1, prompt: "p" });
      assert.deepEqual([answer.status, answer.json.error.code], [status, code]);
      // Only a node that says that it has not begun is asked again.
      const asked = world.node.requests.length - before.requests;
      assert.ok(asked === 1 || (asked > 1 && status === 503), `asked ${asked} times`);
      await untouched(world, before.available);
      // One failure after another would open the node's circuit.
      world.node.behave = makePictures;
      assert.equal((await world.generate()).status, 200, "the pool still works");
    });
  }
});

test("S-090 the node's Retry-After reaches the client", async () => {
  await using world = await startWorld({ queueTimeoutMs: 500, clock: manualClock() });
  world.node.behave = (_job, response) => void response.writeHead(429, { "retry-after": "7" }).end("{}");
  const { status, headers } = await world.generate();
  assert.deepEqual([status, headers.get("retry-after"), headers.get("retry-after-ms")], [503, "7", "7000"]);
});

test("S-086 a node that is down: 500 node_unreachable, and another one is used where there is one", async () => {
  await using world = await startWorld();
  const { startScriptedNode } = await import("./support/scripted-node.ts");
  const gone = await startScriptedNode();
  await using pair = await startWorld({
    nodes: [
      { name: "gone", url: gone.url },
      { name: "n1", url: world.node.url },
    ],
  });
  await gone[Symbol.asyncDispose]();
  assert.equal((await pair.generate()).status, 200);

  await using lonely = await startWorld({ nodes: [{ name: "never", url: gone.url }] });
  const answer = await lonely.generate();
  assert.equal(answer.status, 500);
  assert.deepEqual(answer.json.error, {
    message: "Failed to connect to the node",
    type: "server_error",
    param: null,
    code: "node_unreachable",
  });
});

test("S-091 a generation past its deadline: 504, no retry, nothing charged, the node stopped", async () => {
  const clock = manualClock();
  await using world = await startWorld({ grant: UNITS, generationTimeoutMs: 100, clock });
  world.node.behave = () => {};
  const answering = world.generate();
  await eventually(() => world.node.requests.length === 1);
  await clock.advance(100);
  const answer = await answering;
  assert.deepEqual([answer.status, answer.json.error.code], [504, "timeout"]);
  assert.equal(answer.headers.get("x-should-retry"), "false");
  await eventually(() => world.node.cancelled === 1);
  await untouched(world, UNITS);
});

test("S-077 a client that leaves stops the node and frees its units", async () => {
  await using world = await startWorld({ grant: UNITS });
  const reached = new Promise<void>((resolve) => {
    world.node.behave = (_job, response) => {
      writeEvent(response, { type: "progress", index: 0, step: 1, steps: 9 });
      resolve();
    };
  });
  const leaving = new AbortController();
  const request = world.ask({}, leaving.signal);
  await reached;
  assert.equal(await world.pending(), UNITS);
  leaving.abort();
  await assert.rejects(request);
  await eventually(() => world.node.cancelled === 1);
  await eventually(async () => (await world.pending()) === 0);
  await untouched(world, UNITS);
});

test("S-092 one idempotency key: one generation, one charge, the same answer", async () => {
  await using world = await startWorld();
  const headers = { "idempotency-key": "order-1" };
  const first = await world.generate({ n: 2 }, headers);
  const before = await world.available();
  const second = await world.generate({ n: 2 }, headers);
  assert.equal(second.text, first.text);
  assert.equal(second.headers.get("idempotent-replayed"), "true");
  assert.equal(first.headers.get("idempotent-replayed"), null);
  assert.equal(world.node.requests.length, 1);
  assert.equal(await world.available(), before);
});

test("S-093 the same key with another body, or while it still runs", async () => {
  await using world = await startWorld();
  const headers = { "idempotency-key": "order-2" };
  let release = () => {};
  const reached = new Promise<void>((resolve) => {
    world.node.behave = async (job, response, request) => {
      resolve();
      await new Promise<void>((go) => {
        release = go;
      });
      await makePictures(job, response, request);
    };
  });
  const running = world.generate({}, headers);
  await reached;
  const conflict = await world.generate({}, headers);
  assert.deepEqual([conflict.status, conflict.json.error.code], [409, "idempotency_in_progress"]);
  assert.ok(Number(conflict.headers.get("retry-after")) >= 1);
  release();
  assert.equal((await running).status, 200);
  const reused = await world.generate({ n: 2 }, headers);
  assert.deepEqual([reused.status, reused.json.error.code], [422, "idempotency_key_reused"]);
});

test("a failed attempt frees its idempotency key", async () => {
  await using world = await startWorld();
  const headers = { "idempotency-key": "order-3" };
  world.node.behave = (_job, response) => void response.writeHead(500).end();
  assert.equal((await world.generate({}, headers)).status, 500);
  world.node.behave = makePictures;
  assert.equal((await world.generate({}, headers)).status, 200);
});

test("S-085 requests per minute: 429 with honest advice, nothing consumed", async () => {
  await using world = await startWorld();
  const { key } = await world.ledger.createKey({
    accountId: world.accountId,
    name: "limited",
    limits: { requestsPerMinute: 2 },
  });
  const authorization = `Bearer ${key}`;
  const first = await world.generate({}, { authorization });
  assert.equal(first.headers.get("x-ratelimit-limit-requests"), "2");
  assert.equal(first.headers.get("x-ratelimit-remaining-requests"), "1");
  await world.generate({}, { authorization });
  const before = await world.available();
  const refused = await world.generate({}, { authorization });
  assert.deepEqual([refused.status, refused.json.error.code], [429, "rate_limit_exceeded"]);
  const after = Number(refused.headers.get("retry-after"));
  assert.ok(Number.isInteger(after) && after >= 1 && after <= 60);
  assert.ok(Number(refused.headers.get("retry-after-ms")) >= 1);
  assert.equal(await world.available(), before);
});

test("S-085 what a limit can never let pass is refused for good, not told to wait", async () => {
  await using world = await startWorld();
  const { key } = await world.ledger.createKey({
    accountId: world.accountId,
    name: "limited",
    limits: { imagesPerMinute: 2 },
  });
  const headers = { authorization: `Bearer ${key}` };
  for (const more of [{}, { prefer: "respond-async" }]) {
    const refused = await world.generate({ n: 3 }, { ...headers, ...more });
    assert.deepEqual([refused.status, refused.json.error.code], [400, "integer_above_max_value"]);
    assert.equal(refused.json.error.param, "n");
    assert.match(refused.json.error.message, /limit of 2 a minute.*Waiting does not help/);
    assert.equal(refused.headers.get("x-should-retry"), "false");
    assert.equal(refused.headers.get("retry-after"), null);
  }
  assert.equal(await world.pending(), 0);
  assert.equal((await world.generate({ n: 2 }, headers)).status, 200);
  const waits = await world.generate({ n: 2 }, headers);
  assert.deepEqual([waits.status, waits.json.error.code], [429, "rate_limit_exceeded"]);
});

import assert from "node:assert/strict";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { describe, test } from "node:test";
import pino from "pino";
import { busyMeter } from "./busy-meter.ts";
import { type Envelope, json, loadedNode, NATIVE_PIXELS, post, untilLoad } from "./support.ts";

const LONG = { steps: 100, n: 10 };
const LATER = { code: "queue_full", type: "requests" };

describe("a node's queue", () => {
  test("is bounded: one request too many is told when to come back", async () => {
    await using node = await loadedNode({ concurrency: 1, maxQueue: 1 });
    const leave = new AbortController();
    const running = post(node, LONG, { signal: leave.signal });
    await untilLoad(node, (load) => load.running === 1);
    const waiting = post(node, LONG, { signal: leave.signal });
    const load = await untilLoad(node, ({ queued }) => queued === 1);
    assert.ok(load.pending_pixel_steps > NATIVE_PIXELS * 1000 && load.pending_pixel_steps <= NATIVE_PIXELS * 2000);
    assert.ok(load.seconds_per_pixel_step !== null && load.seconds_per_pixel_step > 0);

    const refused = await post(node);
    assert.equal(refused.status, 429);
    const { error } = await json<Envelope>(refused);
    assert.deepEqual({ code: error.code, type: error.type }, LATER);
    assert.match(refused.headers.get("retry-after") ?? "", /^([1-9]|[1-5][0-9]|60)$/);
    const advised = Number(refused.headers.get("retry-after-ms"));
    const honest = Math.min(60_000, load.pending_pixel_steps * load.seconds_per_pixel_step * 1000);
    assert.ok(advised > honest * 0.5 && advised <= honest * 1.01, `${advised} ms, the backlog takes ${honest}`);

    leave.abort();
    for (const request of [running, waiting]) await assert.rejects(request, { name: "AbortError" });
    await untilLoad(node, ({ running, queued, pending_pixel_steps }) => running + queued + pending_pixel_steps === 0);
    assert.equal((await post(node)).status, 200, "whoever left has freed the slot");
  });

  test("answers in the order of arrival where it makes one request at a time", async () => {
    await using node = await loadedNode({ concurrency: 1 });
    const order: number[] = [];
    const requests = [];
    for (let i = 0; i < 4; i++) {
      requests.push(post(node, { steps: 6 }).then(() => order.push(i)));
      await untilLoad(node, ({ running, queued }) => running + queued === i + 1);
    }
    await Promise.all(requests);
    assert.deepEqual(order, [0, 1, 2, 3]);
  });

  test("makes several requests at a time: a short one is answered before long ones that came earlier", async () => {
    await using node = await loadedNode();
    const leave = new AbortController();
    const long = [1, 2, 3].map(() => post(node, LONG, { signal: leave.signal }));
    const load = await untilLoad(node, ({ running }) => running === 3);
    assert.deepEqual([load.queued, load.concurrency], [0, 8]);
    assert.equal((await post(node, { steps: 4 })).status, 200);
    assert.equal((await untilLoad(node, () => true)).running, 3, "the long ones are still at work");
    leave.abort();
    for (const request of long) await assert.rejects(request, { name: "AbortError" });
  });

  test("a caller that leaves a stream in the middle frees its slot", async () => {
    await using node = await loadedNode();
    const leave = new AbortController();
    const response = await post(node, LONG, { signal: leave.signal, headers: { accept: "application/cbor-seq" } });
    assert.equal(response.status, 200);
    leave.abort();
    await untilLoad(node, ({ running, pending_pixel_steps }) => running + pending_pixel_steps === 0);
    assert.equal((await post(node)).status, 200);
  });

  test("a deadline ends a request, running or waiting", async () => {
    await using node = await loadedNode();
    const headers = { "x-atoma-timeout-ms": "300" };
    for (const response of await Promise.all([post(node, LONG, { headers }), post(node, LONG, { headers })])) {
      assert.equal(response.status, 504);
      assert.equal(response.headers.get("x-should-retry"), "false");
      assert.equal((await json<Envelope>(response)).error.code, "timeout");
    }
    assert.equal((await post(node)).status, 200);
  });

  test("a model process killed in mid-picture: a clear 500, then a picture", async () => {
    // As long to load again as a busy machine needs.
    await using node = await loadedNode({ concurrency: 1, deadlines: { startMs: 60_000 } });
    const broken = post(node, LONG);
    await untilLoad(node, (load) => load.running === 1);
    const waiting = post(node);
    await untilLoad(node, ({ queued }) => queued === 1);
    for (const pid of node.modelPids) process.kill(pid, "SIGKILL");
    const response = await broken;
    assert.equal(response.status, 500);
    assert.equal((await json<Envelope>(response)).error.code, "generation_failed");
    assert.equal((await waiting).status, 200, "whoever waited in line gets a picture too");
    assert.equal((await post(node)).status, 200);
  });

  test("the answer is 503 when the model does not come back in time", async () => {
    await using node = await loadedNode({ deadlines: { startMs: 1 } });
    const broken = post(node, LONG);
    await untilLoad(node, (load) => load.running === 1);
    for (const pid of node.modelPids) process.kill(pid, "SIGKILL");
    assert.equal((await broken).status, 500);
    assert.equal((await fetch(`${node.url}/readyz`)).status, 503);
    const response = await post(node);
    assert.equal(response.status, 503);
    assert.ok(Number(response.headers.get("retry-after")) >= 1);
  });
});

test("while pictures are made the event loop turns", async () => {
  await using node = await loadedNode();
  await post(node);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const busy = busyMeter();
  const bodies = [{ size: "1024x1024", n: 3 }, { stream: true, partial_images: 3, steps: 8 }, { steps: 8 }];
  for (const response of await Promise.all(bodies.map((body) => post(node, body)))) {
    assert.equal(response.status, 200);
    await response.arrayBuffer();
  }
  delay.disable();
  const longest = busy.stop();
  assert.ok(longest > 0 && longest < 50, `busy for ${longest} ms without turning`);
  // By the clock on the wall other processes count too, so only a wait for the model itself would show.
  assert.ok(delay.max / 1e6 < 500, `stalled for ${delay.max / 1e6} ms`);
});

test("closing refuses new requests, finishes what runs, and leaves nothing behind", async () => {
  const node = await loadedNode();
  const { modelPids } = node;
  const running = post(node, { steps: 20, n: 2 });
  await untilLoad(node, (load) => load.running === 1);
  const closing = node.close(30_000);
  const refused = await post(node);
  assert.equal(refused.status, 503);
  assert.equal((await json<Envelope>(refused)).error.code, "shutting_down");
  assert.equal((await fetch(`${node.url}/readyz`)).status, 503);
  assert.equal((await running).status, 200);
  await closing;
  await assert.rejects(fetch(`${node.url}/healthz`));
  assert.equal(modelPids.length, 1);
  for (const pid of modelPids) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
});

test("closing does not wait longer than the grace period", async () => {
  const node = await loadedNode();
  const running = post(node, LONG);
  await untilLoad(node, (load) => load.running === 1);
  await node.close(50);
  const response = await running;
  assert.equal(response.status, 503);
});

test("the log has requests, not prompts", async () => {
  const lines: string[] = [];
  const logger = pino({ level: "trace" }, { write: (line: string) => void lines.push(line) });
  await using node = await loadedNode({ logger, token: "sesame" });
  const headers = { authorization: "Bearer sesame", "x-request-id": "req_of_the_caller" };
  const response = await post(node, { prompt: "a secret zebra" }, { headers });
  await response.arrayBuffer();
  await post(node, { prompt: "a secret zebra", n: 0 }, { headers });
  await node.close(0);
  const text = lines.join("");
  const [made] = lines.map((line) => JSON.parse(line)).filter((line) => line.msg === "request");
  assert.deepEqual(
    [made.method, made.route, made.status, made.requestId, made.correlationId],
    ["POST", "/v1/images/generations", 200, response.headers.get("x-request-id"), "req_of_the_caller"],
  );
  assert.ok(Number.isInteger(made.ms));
  assert.ok(!text.includes("zebra") && !text.includes("sesame"));
});

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { HTTPClient } from "../src/index.ts";
import type { RetryConfig } from "../src/lib/retries.ts";
import { APIError, RequestAbortedError, RequestTimeoutError } from "../src/models/errors/index.ts";
import { ANSWER, collectGarbage, errorOf, generate, successOf, untilHeaders } from "./support/calls.ts";
import { isSettled, manualClock } from "./support/manual-clock.ts";
import { json, serve } from "./support/server.ts";

/** Never answers. */
function hang(): void {}

/** Sends headers and a beginning, then nothing. */
function hangInBody(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.write('{"created":1');
}

test("the platform's own timers end a call that hangs", async (t) => {
  const server = await serve(t, hang);
  errorOf(await generate(server, { timeoutMs: 50 }), RequestTimeoutError);
  await server.seen[0]?.closed;
});

test("K-028 timeoutMs ends a call that hangs before the headers, and closes its connection", async (t) => {
  const server = await serve(t, hang);
  const clock = manualClock();
  const call = generate(server, { timeoutMs: 1000 }, {}, clock);
  await server.received(1);
  clock.advance(999);
  assert.equal(await isSettled(call), false);
  clock.advance(1);
  const error = errorOf(await call, RequestTimeoutError);
  assert.match(error.message, /1000 ms/);
  assert.equal(error.attempts, 1);
  await server.seen[0]?.closed;
});

for (const how of ["timeoutMs", "signal", "timeoutMs with hooks"] as const) {
  test(`K-029 ${how} survives a garbage collection`, { timeout: 20_000 }, async (t) => {
    const server = await serve(t, hang);
    const clock = manualClock();
    const httpClient = how === "timeoutMs with hooks" ? new HTTPClient().addHook("beforeRequest", () => {}) : undefined;
    const controller = new AbortController();
    const options = how === "signal" ? { signal: controller.signal } : { timeoutMs: 800 };
    const call = generate(server, options, { httpClient }, clock);
    await server.received(1);
    collectGarbage();
    assert.equal(await isSettled(call), false);
    collectGarbage();
    if (how === "signal") controller.abort();
    else clock.advance(800);
    errorOf(await call, how === "signal" ? RequestAbortedError : RequestTimeoutError);
  });
}

for (const drip of [false, true]) {
  test(`K-030 timeoutMs ends a call whose body ${drip ? "drips" : "hangs"}`, async (t) => {
    let answer: ServerResponse | undefined;
    const server = await serve(t, (response) => {
      answer = response;
      hangInBody(response);
    });
    const clock = manualClock();
    const { sdk, headers } = untilHeaders();
    const call = generate(server, { timeoutMs: 500 }, sdk, clock);
    await headers;
    collectGarbage();
    for (let i = 0; i < 4; i++) {
      clock.advance(100);
      if (drip) await new Promise((sent) => answer?.write(" ", sent));
    }
    assert.equal(await isSettled(call), false);
    clock.advance(100);
    errorOf(await call, RequestTimeoutError);
    await server.seen[0]?.closed;
  });
}

test("K-031 timeoutMs covers attempts and waits together; the last refusal is the cause", async (t) => {
  const server = await serve(t, (response, _seen, i) =>
    json(response, { error: "busy" }, 503, { "retry-after": i === 0 ? "0.2" : "100" }),
  );
  const clock = manualClock();
  const call = generate(server, { timeoutMs: 2000, retries: { strategy: "backoff" } }, {}, clock);
  await clock.timer(200);
  clock.advance(200);
  await clock.timer(100_000);
  clock.advance(1800);
  const error = errorOf(await call, RequestTimeoutError);
  assert.equal(error.attempts, 2);
  assert.ok(error.cause instanceof APIError && error.cause.statusCode === 503);
});

test("K-031 attemptTimeoutMs ends one attempt, which is retried only when asked", async (t) => {
  const server = await serve(t, (response, _seen, i) => {
    if (i !== 0 && i !== 1) json(response, ANSWER);
  });
  const clock = manualClock();
  const once = generate(server, { attemptTimeoutMs: 200 }, {}, clock);
  await server.received(1);
  clock.advance(200);
  assert.equal(errorOf(await once, RequestTimeoutError).attempts, 1);
  const retries: RetryConfig = { strategy: "backoff", backoff: { initialInterval: 1 }, retryConnectionErrors: true };
  const twice = generate(server, { attemptTimeoutMs: 500, retries }, {}, clock);
  await server.received(2);
  clock.advance(500);
  await clock.timer(100);
  clock.advance(100);
  successOf(await twice);
  assert.equal(server.seen.length, 3);
});

test("a deadline of 0, or of what is no length of time, is none", async (t) => {
  const clock = manualClock();
  const server = await serve(t, (response) => {
    assert.deepEqual(clock.waiting(), []);
    json(response, ANSWER);
  });
  for (const ms of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 31, 1e300]) {
    successOf(await generate(server, { timeoutMs: ms, attemptTimeoutMs: ms }, {}, clock));
  }
  const hanging = await serve(t, hang);
  const call = generate(hanging, { timeoutMs: 0 }, { timeoutMs: 50 }, clock);
  await hanging.received(1);
  clock.advance(50);
  errorOf(await call, RequestTimeoutError);
});

test("K-032 a signal that is already aborted: no request at all", async (t) => {
  const server = await serve(t, hang);
  const error = errorOf(await generate(server, { signal: AbortSignal.abort() }), RequestAbortedError);
  assert.equal(error.attempts, 0);
  const [result, call] = await generate(server, { fetchOptions: { signal: AbortSignal.abort() } }).$inspect();
  errorOf(result, RequestAbortedError);
  assert.equal(call.status, "invalid");
  assert.equal(server.connections(), 0);
});

for (const when of ["before the headers", "in the body", "between two attempts"] as const) {
  test(`K-032 an abort ${when} ends the call at once`, async (t) => {
    const server = await serve(t, (response) => {
      if (when === "in the body") hangInBody(response);
      else if (when === "between two attempts") json(response, {}, 503, { "retry-after": "60" });
    });
    const clock = manualClock();
    const { sdk, headers } = untilHeaders();
    const controller = new AbortController();
    const call = generate(server, { fetchOptions: { signal: controller.signal } }, sdk, clock);
    await (when === "before the headers" ? server.received(1) : headers);
    if (when === "between two attempts") await clock.timer(60_000);
    controller.abort();
    errorOf(await call, RequestAbortedError);
    assert.deepEqual(clock.waiting(), []);
  });
}

test("K-032 an abort after success has no effect, and no listener is left", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const controller = new AbortController();
  for (let i = 0; i < 5; i++) successOf(await generate(server, { signal: controller.signal, timeoutMs: 60_000 }));
  errorOf(await generate({ url: "nonsense" }, { signal: controller.signal }), Error);
  assert.equal(getEventListeners(controller.signal, "abort").length, 0);
  controller.abort();
});

test("K-033 of signal and timeoutMs the first counts, and the error says which", async (t) => {
  const server = await serve(t, hang);
  const clock = manualClock();
  const controller = new AbortController();
  const { signal } = controller;
  const late = generate(server, { signal, timeoutMs: 100 }, {}, clock);
  await server.received(1);
  clock.advance(100);
  errorOf(await late, RequestTimeoutError);
  const left = generate(server, { signal, timeoutMs: 100 }, {}, clock);
  await server.received(2);
  clock.advance(99);
  controller.abort();
  errorOf(await left, RequestAbortedError);
});

test("K-034 the reason of an abort is the cause", async (t) => {
  const server = await serve(t, hang);
  const reason = { why: "the user left" };
  const controller = new AbortController();
  const call = generate(server, { signal: controller.signal });
  controller.abort(reason);
  assert.equal(errorOf(await call, RequestAbortedError).cause, reason);
});

test("K-050 a fetcher that drops the signal still times out, also after a garbage collection", async (t) => {
  const server = await serve(t, hang);
  const clock = manualClock();
  const httpClient = new HTTPClient({ fetcher: (request) => fetch(request) });
  const call = generate(server, { timeoutMs: 600 }, { httpClient }, clock);
  await server.received(1);
  collectGarbage();
  clock.advance(600);
  errorOf(await call, RequestTimeoutError);
});

test("K-050 a fetcher whose body never ends still times out", async () => {
  const body = new ReadableStream({});
  const fetcher = async () => new Response(body, { headers: { "content-type": "application/json" } });
  const httpClient = new HTTPClient({ fetcher });
  const clock = manualClock();
  const { sdk, headers } = untilHeaders();
  const call = generate({ url: "http://nowhere.invalid" }, { timeoutMs: 100 }, { httpClient, ...sdk }, clock);
  await headers;
  clock.advance(100);
  errorOf(await call, RequestTimeoutError);
});

test("K-066 the limits of Node's fetch on headers and bodies do not hold", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  await (await fetch(server.url)).text();
  const key = Symbol.for("undici.globalDispatcher.1");
  const dispatcher = Reflect.get(globalThis, key);
  const limits: unknown[] = [];
  // As a proxy that the user has set would be: the SDK must go through it.
  const watching = Object.create(dispatcher);
  watching.dispatch = (options: object, handler: object) => {
    limits.push([Reflect.get(options, "headersTimeout"), Reflect.get(options, "bodyTimeout")]);
    return dispatcher.dispatch(options, handler);
  };
  Reflect.set(globalThis, key, watching);
  t.after(() => Reflect.set(globalThis, key, dispatcher));
  await (await fetch(server.url)).text();
  successOf(await generate(server));
  // undici takes undefined for 300 s, and 0 for no limit.
  assert.deepEqual(limits, [
    [undefined, undefined],
    [0, 0],
  ]);
});

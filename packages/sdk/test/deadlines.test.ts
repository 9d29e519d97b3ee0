import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { HTTPClient } from "../src/index.ts";
import type { RetryConfig } from "../src/lib/retries.ts";
import { APIError, RequestAbortedError, RequestTimeoutError } from "../src/models/errors/index.ts";
import { ANSWER, collectGarbage, errorOf, generate, successOf, timed } from "./support/calls.ts";
import { json, serve } from "./support/server.ts";

/** Never answers. */
function hang(): void {}

/** Sends headers and a beginning, then nothing, or a byte every 100 ms. */
async function hangInBody(response: ServerResponse, drip: boolean): Promise<void> {
  response.writeHead(200, { "content-type": "application/json" });
  response.write('{"created":1');
  while (drip && !response.destroyed) {
    await sleep(100);
    response.write(" ");
  }
}

test("K-028 timeoutMs ends a call that hangs before the headers, and closes its connection", async (t) => {
  const server = await serve(t, hang);
  const [result, ms] = await timed(generate(server, { timeoutMs: 1000 }));
  const error = errorOf(result, RequestTimeoutError);
  assert.ok(ms >= 800 && ms < 2500, `${ms}`);
  assert.match(error.message, /1000 ms/);
  assert.equal(error.attempts, 1);
  await server.seen[0]?.closed;
});

for (const how of ["timeoutMs", "signal", "timeoutMs with hooks"] as const) {
  test(`K-029 ${how} survives a garbage collection`, { timeout: 20_000 }, async (t) => {
    const server = await serve(t, hang);
    const httpClient = how === "timeoutMs with hooks" ? new HTTPClient().addHook("beforeRequest", () => {}) : undefined;
    const controller = new AbortController();
    const options = how === "signal" ? { signal: controller.signal } : { timeoutMs: 800 };
    const call = timed(generate(server, options, { httpClient }));
    while (server.seen.length === 0) await sleep(10);
    await sleep(100);
    collectGarbage();
    await sleep(100);
    collectGarbage();
    if (how === "signal") controller.abort();
    const [result, ms] = await call;
    errorOf(result, how === "signal" ? RequestAbortedError : RequestTimeoutError);
    assert.ok(ms < 5000, `${ms}`);
  });
}

for (const drip of [false, true]) {
  test(`K-030 timeoutMs ends a call whose body ${drip ? "drips" : "hangs"}`, async (t) => {
    const server = await serve(t, (response) => void hangInBody(response, drip));
    const call = timed(generate(server, { timeoutMs: 500 }));
    while (server.seen.length === 0) await sleep(10);
    collectGarbage();
    const [result, ms] = await call;
    errorOf(result, RequestTimeoutError);
    // The call began before the clock did.
    assert.ok(ms >= 400 && ms < 2500, `${ms}`);
    await server.seen[0]?.closed;
  });
}

test("K-031 timeoutMs covers attempts and waits together; the last refusal is the cause", async (t) => {
  const server = await serve(t, (response, _seen, i) =>
    json(response, { error: "busy" }, 503, { "retry-after": i === 0 ? "0.2" : "100" }),
  );
  const [result, ms] = await timed(generate(server, { timeoutMs: 2000, retries: { strategy: "backoff" } }));
  const error = errorOf(result, RequestTimeoutError);
  assert.ok(ms >= 1800 && ms < 50_000, `${ms}`); // far less than the wait that it cut short
  assert.equal(error.attempts, 2);
  assert.ok(error.cause instanceof APIError && error.cause.statusCode === 503);
});

test("K-031 attemptTimeoutMs ends one attempt, which is retried only when asked", async (t) => {
  const server = await serve(t, (response, _seen, i) => {
    if (i !== 0 && i !== 1) json(response, ANSWER);
  });
  const once = errorOf(await generate(server, { attemptTimeoutMs: 200 }), RequestTimeoutError);
  assert.equal(once.attempts, 1);
  const retries: RetryConfig = { strategy: "backoff", backoff: { initialInterval: 1 }, retryConnectionErrors: true };
  successOf(await generate(server, { attemptTimeoutMs: 500, retries }));
  assert.equal(server.seen.length, 3);
});

test("a deadline of 0, or of what is no length of time, is none", async (t) => {
  const server = await serve(t, (response) => setImmediate(() => json(response, ANSWER)));
  for (const ms of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 31, 1e300]) {
    successOf(await generate(server, { timeoutMs: ms, attemptTimeoutMs: ms }));
  }
  const hanging = await serve(t, () => {});
  errorOf(await generate(hanging, { timeoutMs: 0 }, { timeoutMs: 50 }), RequestTimeoutError);
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

for (const [when, handler] of [
  ["before the headers", hang],
  ["in the body", (response: ServerResponse) => void hangInBody(response, false)],
  ["between two attempts", (response: ServerResponse) => json(response, {}, 503, { "retry-after": "60" })],
] as const) {
  test(`K-032 an abort ${when} ends the call at once`, async (t) => {
    const server = await serve(t, handler);
    const controller = new AbortController();
    const call = generate(server, { fetchOptions: { signal: controller.signal } });
    while (server.seen.length === 0) await sleep(5);
    await sleep(100); // so that the client is where the case wants it; sooner is a case too, and ends the same way
    const start = performance.now();
    controller.abort();
    errorOf(await call, RequestAbortedError);
    assert.ok(performance.now() - start < 500);
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
  const slow = new AbortController();
  errorOf(await generate(server, { signal: slow.signal, timeoutMs: 100 }), RequestTimeoutError);
  const quick = AbortSignal.timeout(100);
  errorOf(await generate(server, { signal: quick, timeoutMs: 30_000 }), RequestAbortedError);
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
  const httpClient = new HTTPClient({ fetcher: (request) => fetch(request) });
  const call = timed(generate(server, { timeoutMs: 600 }, { httpClient }));
  while (server.seen.length === 0) await sleep(10);
  collectGarbage();
  const [result, ms] = await call;
  errorOf(result, RequestTimeoutError);
  assert.ok(ms < 3000, `${ms}`);
});

test("K-050 a fetcher whose body never ends still times out", async () => {
  const body = new ReadableStream({});
  const fetcher = async () => new Response(body, { headers: { "content-type": "application/json" } });
  const httpClient = new HTTPClient({ fetcher });
  errorOf(await generate({ url: "http://nowhere.invalid" }, { timeoutMs: 100 }, { httpClient }), RequestTimeoutError);
});

test("K-066 the limits of Node's fetch on headers and bodies do not hold", { timeout: 30_000 }, async (t) => {
  const server = await serve(t, async (response, { url }) => {
    if (url !== "/quick") await sleep(2500);
    response.writeHead(200, { "content-type": "application/json" });
    response.write(" ");
    if (url !== "/quick") await sleep(2500);
    response.end(JSON.stringify(ANSWER));
  });
  await (await fetch(`${server.url}/quick`)).text();
  const key = Symbol.for("undici.globalDispatcher.1");
  const dispatcher = Reflect.get(globalThis, key);
  const impatient = new dispatcher.constructor({ headersTimeout: 500, bodyTimeout: 500 });
  Reflect.set(globalThis, key, impatient);
  t.after(async () => {
    Reflect.set(globalThis, key, dispatcher);
    await impatient.close();
  });
  const [plain, ours] = await Promise.all([fetch(`${server.url}/x`).catch((error: Error) => error), generate(server)]);
  assert.match(String(plain instanceof Error && plain.cause), /HeadersTimeout/);
  successOf(ours);
});

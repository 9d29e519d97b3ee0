import assert from "node:assert/strict";
import { test } from "node:test";
import { AtomaSDK, ConnectionError, HTTPClient, RequestTimeoutError, UnexpectedClientError } from "../src/index.ts";
import type { Logger } from "../src/lib/logger.ts";
import { ANSWER, errorOf, generate, KEY, NONE, PNG, successOf } from "./support/calls.ts";
import { manualClock } from "./support/manual-clock.ts";
import { closedPort, json, serve } from "./support/server.ts";

test("K-048 hooks see and change requests, in the order they were added", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const order: string[] = [];
  const httpClient = new HTTPClient()
    .addHook("beforeRequest", (request) => {
      order.push("first");
      request.headers.set("x-hook", "1");
    })
    .addHook("beforeRequest", async (request) => {
      order.push("second");
      assert.equal(request.headers.get("x-hook"), "1");
      return new Request(`${request.url}?hooked=1`, request);
    })
    .addHook("response", async (response, request) => {
      order.push(`response ${response.status} ${new URL(request.url).search}`);
    })
    .addHook("requestError", () => assert.fail("no request failed"));
  successOf(await generate(server, {}, { httpClient }));
  const [seen] = server.seen;
  assert.equal(seen?.url, "/v1/images/generations?hooked=1");
  assert.equal(seen?.headers["x-hook"], "1");
  assert.equal(seen?.headers.authorization, `Bearer ${KEY}`);
  assert.deepEqual(JSON.parse(String(seen?.body)), { prompt: "a cat" });
  assert.deepEqual(order, ["first", "second", "response 200 ?hooked=1"]);
});

test("K-048 the requestError hook is told of lost connections, not of what other hooks throw", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const told: unknown[] = [];
  const watching = new HTTPClient().addHook("requestError", (error) => void told.push(error));
  const refused = { url: `http://127.0.0.1:${await closedPort()}` };
  errorOf(await generate(refused, { retries: NONE }, { httpClient: watching }), ConnectionError);
  assert.equal(told.length, 1);
  const cause = new Error("from a hook");
  const throwing = watching.clone().addHook("response", () => {
    throw cause;
  });
  assert.equal(errorOf(await generate(server, {}, { httpClient: throwing }), UnexpectedClientError).cause, cause);
  assert.equal(told.length, 1);
});

test("K-048 removeHook and clone", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const calls: string[] = [];
  const hook = () => void calls.push("original");
  const original = new HTTPClient().addHook("beforeRequest", hook);
  const copy = original.clone().addHook("beforeRequest", () => void calls.push("copy"));
  original.removeHook("beforeRequest", hook).removeHook("response", hook);
  successOf(await generate(server, {}, { httpClient: original }));
  assert.deepEqual(calls, []);
  successOf(await generate(server, {}, { httpClient: copy }));
  assert.deepEqual(calls, ["original", "copy"]);
});

test("K-048 a fetcher takes the place of fetch; what it throws is classified", async () => {
  const requests: Request[] = [];
  const httpClient = new HTTPClient({
    fetcher: async (input) => {
      assert.ok(input instanceof Request);
      requests.push(input);
      return Response.json(ANSWER);
    },
  });
  successOf(await generate({ url: "http://nowhere.invalid" }, {}, { httpClient }));
  assert.deepEqual(await requests[0]?.json(), { prompt: "a cat" });
  const throwing = (error: Error) => ({
    httpClient: new HTTPClient({ fetcher: () => Promise.reject(error) }),
  });
  const server = { url: "http://nowhere.invalid" };
  const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });
  errorOf(await generate(server, {}, throwing(reset)), ConnectionError);
  errorOf(await generate(server, {}, throwing(new TypeError("Failed to fetch"))), ConnectionError);
  errorOf(await generate(server, {}, throwing(new Error("bug"))), UnexpectedClientError);
});

test("K-049 a response hook may read a clone of the body", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  let read: unknown;
  const httpClient = new HTTPClient().addHook("response", async (response) => {
    read = await response.clone().json();
  });
  successOf(await generate(server, {}, { httpClient }));
  assert.deepEqual(read, ANSWER);
});

test("K-050 an answer that comes after the deadline is closed", async () => {
  let answer = (_: Response) => {};
  const late = new Promise<Response>((resolve) => {
    answer = resolve;
  });
  const clock = manualClock();
  const fetcher = () => {
    clock.advance(50);
    return late;
  };
  const httpClient = new HTTPClient({ fetcher });
  const server = { url: "http://nowhere.invalid" };
  const call = generate(server, { timeoutMs: 50 }, { httpClient }, clock);
  errorOf(await call, RequestTimeoutError);
  await new Promise((cancel) => answer(new Response(new ReadableStream({ cancel }))));
});

test("K-051 a debug logger sees requests, and neither keys nor pictures", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const lines: unknown[] = [];
  const log = (...line: unknown[]) => void lines.push(...line);
  const debugLogger: Logger = { log, group: log, groupEnd: () => {} };
  successOf(await generate(server, {}, { debugLogger }));
  const text = JSON.stringify(lines);
  assert.match(text, /POST .*\/v1\/images\/generations/);
  assert.match(text, /200/);
  assert.ok(!text.includes(KEY) && !text.includes(PNG) && !text.includes("a cat"));
});

for (const [value, isOn] of [
  ["1", true],
  ["true", true],
  ["TRUE", true],
  ["0", false],
  ["false", false],
  ["", false],
  ["yes", false],
] as const) {
  test(`K-051 ATOMASDK_DEBUG=${value} is ${isOn ? "on" : "off"}`, (t) => {
    process.env.ATOMASDK_DEBUG = value;
    t.after(() => delete process.env.ATOMASDK_DEBUG);
    assert.equal(new AtomaSDK()._options.debugLogger === console, isOn);
  });
}

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { imagesGenerate } from "../src/funcs/imagesGenerate.ts";
import type { RetryConfig } from "../src/lib/retries.ts";
import { SDKError } from "../src/models/errors/index.ts";
import { ANSWER, collectGarbage, core, NONE } from "./support/calls.ts";
import { json, serve } from "./support/server.ts";

const CALLS = Number(process.env.SOAK_CALLS ?? 2000);
const LANES = 16;

const FAULTS: ((response: ServerResponse) => void)[] = [
  (response) => response.destroy(),
  (response) => json(response, { error: { message: "bug" } }, 500),
  (response) => json(response, { error: { message: "x".repeat(50_000) } }, 503, { "retry-after-ms": "1" }),
  () => {}, // never answers: the deadline ends it
  (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": 5000 }).write('{"created":1,');
    setImmediate(() => response.destroy());
  },
  (response) => json(response, '{"created":'),
  (response) => json(response, {}),
  (response) => response.writeHead(307, { location: "/again" }).end(),
  (response) => response.writeHead(302, { location: "/again" }).end(),
  (response) => json(response, { error: "no" }, 400),
];

const RETRIES: (RetryConfig | undefined)[] = [
  NONE,
  undefined,
  { strategy: "backoff", backoff: { initialInterval: 1, maxElapsedTime: 150 }, retryConnectionErrors: true },
];

async function heap(): Promise<number> {
  // fetch and the sockets clean up behind collected objects only in later turns.
  for (let i = 0; i < 10; i++) {
    collectGarbage();
    await sleep(20);
  }
  return process.memoryUsage().heapUsed;
}

test(`${CALLS} calls, three in ten of them with a fault, leave nothing behind`, { timeout: 600_000 }, async (t) => {
  let fault = 0;
  let requests = 0;
  const server = await serve(t, (response) => {
    server.seen.length = 0; // or the test's own record would be what grows
    if (requests++ % 10 < 3) FAULTS[fault++ % FAULTS.length]?.(response);
    else json(response, ANSWER);
  });
  const client = core(server);
  const shared = new AbortController();
  let good = 0;
  const kinds = new Map<string, number>();

  async function lane(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const own = i % 20 === 7 ? AbortSignal.timeout(3) : shared.signal;
      const options = { timeoutMs: 1000, retries: RETRIES[i % 3], signal: own };
      const result = await imagesGenerate(client, { prompt: "x" }, options);
      if (result.ok) good++;
      else {
        assert.ok(result.error instanceof SDKError);
        kinds.set(result.error.name, (kinds.get(result.error.name) ?? 0) + 1);
      }
    }
  }
  const lanes = (count: number) => Promise.all(Array.from({ length: LANES }, () => lane(Math.ceil(count / LANES))));
  await lanes(CALLS / 4);
  const before = await heap();
  await lanes((CALLS * 3) / 4);
  const grown = (await heap()) - before;
  t.diagnostic(
    `${good} good, ${JSON.stringify(Object.fromEntries(kinds))}, ${requests} requests, heap +${grown} bytes`,
  );

  assert.ok(good > 0);
  for (const name of [
    "APIError",
    "ConnectionError",
    "RequestTimeoutError",
    "RequestAbortedError",
    "SDKValidationError",
  ]) {
    assert.ok((kinds.get(name) ?? 0) > 0, `no ${name} happened`);
  }
  assert.equal(getEventListeners(shared.signal, "abort").length, 0);
  assert.ok(grown < 8_000_000, `${grown} bytes`);
  assert.ok(server.connections() < requests / 2, "connections are used again");
});

for (const [how, headers] of [
  ["content-length", { "content-length": 5000 }],
  ["chunked", {}],
] as const) {
  test(`an answer that is cut off (${how}) leaves nothing behind`, async (t) => {
    const server = await serve(t, (response) => {
      server.seen.length = 0;
      response.writeHead(200, { "content-type": "application/json", ...headers }).write("{");
      setImmediate(() => response.destroy());
    });
    const client = core(server);
    const cut = async (count: number) => {
      for (let i = 0; i < count; i++) assert.ok(!(await imagesGenerate(client, { prompt: "x" })).ok);
    };
    await cut(100);
    const before = await heap();
    await cut(300);
    const grown = (await heap()) - before;
    assert.ok(grown < 3_000_000, `${grown} bytes`); // 300 answers held on to were 8.5 MB
  });
}

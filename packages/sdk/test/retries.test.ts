import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { HTTPClient } from "../src/index.ts";
import { DRAIN_MS } from "../src/lib/body.ts";
import type { RetryConfig } from "../src/lib/retries.ts";
import { backoffDelayMs, retryPolicy } from "../src/lib/retries.ts";
import { APIError, ConnectionError } from "../src/models/errors/index.ts";
import { ANSWER, errorOf, generate, NONE, successOf } from "./support/calls.ts";
import { hurriedClock, isSettled, manualClock } from "./support/manual-clock.ts";
import { closedPort, json, serve, serveRaw } from "./support/server.ts";

const BACKOFF: RetryConfig = { strategy: "backoff", backoff: { initialInterval: 1 } };

/** A clock on which the waits between attempts take no time. */
const waitless = () => hurriedClock((ms) => ms !== DRAIN_MS);

/** A server that refuses the first requests as told, then answers. */
function refusing(t: Parameters<typeof serve>[0], ...refusals: [status: number, headers?: Record<string, string>][]) {
  return serve(t, (response, _seen, i) => {
    const [status, headers] = refusals[i] ?? [];
    if (status) json(response, { error: { message: `refusal ${i}`, code: "busy" } }, status, headers);
    else json(response, ANSWER);
  });
}

for (const status of [500, 503, 429]) {
  test(`K-014 strategy none sends exactly one request (${status})`, async (t) => {
    const server = await refusing(t, [status, { "retry-after": "0", "x-should-retry": "true" }]);
    errorOf(await generate(server, { retries: NONE }), APIError);
    assert.equal(server.seen.length, 1);
  });
}

test("K-015 backoff tries again after one 503", async (t) => {
  const server = await refusing(t, [503]);
  const clock = waitless();
  successOf(await generate(server, {}, { retryConfig: BACKOFF }, clock));
  assert.equal(server.seen.length, 2);
  assert.deepEqual(clock.waits, [100]);
});

test("K-016 backoff against a server that stays at 503 stops within maxElapsedTime, with the last answer", async (t) => {
  const server = await refusing(t, ...Array<[number]>(50).fill([503]));
  const retries: RetryConfig = { strategy: "backoff", backoff: { initialInterval: 1, maxElapsedTime: 1000 } };
  const clock = waitless();
  const error = errorOf(await generate(server, { retries }, {}, clock), APIError);
  assert.deepEqual(clock.waits, Array(10).fill(100)); // no two attempts are nearer than 100 ms
  assert.equal(server.seen.length, 11);
  assert.equal(error.statusCode, 503);
  assert.match(error.body, /refusal 10/);
  assert.equal(error.attempts, 11);
});

test("K-015 a backoff with short intervals tries again as soon as they say", async (t) => {
  const server = await refusing(t, [503]);
  const backoff = { initialInterval: 1, maxInterval: 50, exponent: 1.1, maxElapsedTime: 1000 };
  const { backoff: strategy } = retryPolicy({ strategy: "backoff", backoff }, undefined);
  assert.equal(backoffDelayMs(1, strategy), 50);
  assert.equal(
    backoffDelayMs(1, { ...strategy, maxInterval: 0 }),
    10, // and never runs hot
  );
  const clock = waitless();
  successOf(await generate(server, { retries: { strategy: "backoff", backoff } }, {}, clock));
  assert.equal(server.seen.length, 2);
  assert.deepEqual(clock.waits, [50]);
});

for (const [retryCodes, status, requests] of [
  [["5XX"], 507, 2],
  [["5xx"], 500, 2],
  [["5XX"], 429, 1],
  [["418"], 418, 2],
  [["418"], 503, 1],
  [[], 503, 1],
] as const) {
  test(`K-017 retryCodes ${JSON.stringify(retryCodes)} and ${status}: ${requests} requests`, async (t) => {
    const server = await refusing(t, [status]);
    await generate(server, { retries: BACKOFF, retryCodes }, {}, waitless());
    assert.equal(server.seen.length, requests);
  });
}

/** How long the client waits after a refusal, ms. */
async function waitAfter(t: Parameters<typeof serve>[0], headers: Record<string, string>, retries?: RetryConfig) {
  const server = await refusing(t, [429, headers]);
  const clock = waitless();
  successOf(await generate(server, { retries }, {}, clock));
  assert.equal(clock.waits.length, 1);
  return clock.waits[0];
}

test("K-018 Retry-After in seconds, whole and fractional, and as a date", async (t) => {
  assert.equal(await waitAfter(t, { "retry-after": "1" }), 1000);
  assert.equal(await waitAfter(t, { "retry-after": "0.4" }), 400);
  const date = new Date(waitless().now() + 90_000).toUTCString();
  assert.equal(await waitAfter(t, { "retry-after": date }), 90_000);
});

test("K-018 Retry-After 0 means at once; one that cannot be read, or is past, means our own backoff", async (t) => {
  // Its own backoff would be a minute.
  const random = t.mock.method(Math, "random", () => 0.999);
  const minute: RetryConfig = { strategy: "backoff", backoff: { initialInterval: 60_000 } };
  assert.equal(await waitAfter(t, { "retry-after": "0" }, minute), 0);
  const past = new Date(waitless().now() - 100_000).toUTCString();
  for (const value of ["-1", "soon", past, ""])
    assert.equal(await waitAfter(t, { "retry-after": value }, minute), 59_940);
  random.mock.restore();
});

test("K-019 retry-after-ms comes before Retry-After, also when it is 0", async (t) => {
  assert.equal(await waitAfter(t, { "retry-after-ms": "150", "retry-after": "30" }), 150);
  assert.equal(await waitAfter(t, { "retry-after-ms": "0", "retry-after": "30" }), 0);
});

test("K-020 a wish of the server is not cut to maxInterval", async (t) => {
  const short: RetryConfig = { strategy: "backoff", backoff: { maxInterval: 100 } };
  assert.equal(await waitAfter(t, { "retry-after": "1" }, short), 1000);
});

test("K-021 a wish past maxElapsedTime, or past 120 s, surfaces the error at once", async (t) => {
  const server = await refusing(t, [429, { "retry-after": "60" }], [429, { "retry-after": "121" }]);
  const short: RetryConfig = { strategy: "backoff", backoff: { maxElapsedTime: 1000 } };
  const clock = waitless();
  for (const retries of [short, undefined]) {
    assert.equal(errorOf(await generate(server, { retries }, {}, clock), APIError).statusCode, 429);
  }
  assert.deepEqual(clock.waits, []);
  assert.equal(server.seen.length, 2);
  assert.equal(await waitAfter(t, { "retry-after": "120" }), 120_000);
});

test("K-022 x-should-retry is obeyed both ways", async (t) => {
  const never = await refusing(t, [503, { "x-should-retry": "false" }]);
  errorOf(await generate(never, { retries: BACKOFF }), APIError);
  assert.equal(never.seen.length, 1);
  const always = await refusing(t, [400, { "x-should-retry": "true", "retry-after-ms": "0" }]);
  successOf(await generate(always));
  assert.equal(always.seen.length, 2);
});

test("K-023 delays grow by the exponent with full jitter, inside of their bounds", () => {
  const { backoff } = retryPolicy({ strategy: "backoff", backoff: { maxInterval: 2000 } }, undefined);
  assert.equal(
    backoffDelayMs(1, backoff, () => 0.5),
    250,
  );
  assert.equal(
    backoffDelayMs(2, backoff, () => 0.5),
    375,
  );
  assert.equal(
    backoffDelayMs(3, backoff, () => 1),
    1125,
  );
  assert.equal(
    backoffDelayMs(30, backoff, () => 1),
    2000,
  );
  assert.equal(
    backoffDelayMs(1, backoff, () => 0),
    100,
  );
  let state = 42;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
  const delays = Array.from({ length: 1000 }, () => backoffDelayMs(1, backoff, random));
  assert.ok(delays.every((ms) => ms >= 100 && ms <= 500));
  const mean = delays.reduce((sum, ms) => sum + ms) / delays.length;
  assert.ok(mean > 240 && mean < 280, `${mean}`); // 100 for a fifth of them, 300 on average for the rest
});

test("K-024 a partial backoff has its defaults and never runs hot", async (t) => {
  const partial: RetryConfig = {
    strategy: "backoff",
    backoff: { initialInterval: 1, exponent: 1, maxElapsedTime: 900 },
  };
  for (const [headers, first] of [
    [{}, 100],
    [{ "retry-after": "0" }, 0], // at once only the first time
  ] as const) {
    const server = await serve(t, (response) => json(response, {}, 503, headers));
    const clock = waitless();
    await generate(server, { retries: partial }, {}, clock);
    assert.deepEqual(clock.waits, [first, ...Array(first ? 8 : 9).fill(100)]);
  }
  const odd = retryPolicy({ strategy: "backoff", backoff: { initialInterval: Number.NaN, exponent: undefined } }, []);
  assert.deepEqual(odd.backoff, retryPolicy(undefined, undefined).backoff);
});

type Break = (t: Parameters<typeof serve>[0]) => Promise<{ url: string; requests?: () => number }>;
const BREAKS: Record<string, Break> = {
  "reset before headers": (t) => serveRaw(t, (socket) => socket.resetAndDestroy()),
  "reset in the body": (t) =>
    serveRaw(t, (socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{", () =>
        socket.resetAndDestroy(),
      );
    }),
  "closed without an answer": (t) => serveRaw(t, (socket) => socket.end()),
  garbage: (t) => serveRaw(t, (socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n\r\n")),
  "refused port": async () => ({ url: `http://127.0.0.1:${await closedPort()}` }),
  "unknown host": async () => ({ url: "http://no-such-host.invalid" }),
  "no TLS there": async (t) => {
    const server = await serve(t, () => {});
    return { url: server.url.replace("http", "https") };
  },
};

for (const [name, start] of Object.entries(BREAKS)) {
  test(`K-025 ${name}: a ConnectionError at once, or retried when asked`, async (t) => {
    const server = await start(t);
    const never: RetryConfig = { strategy: "backoff", retryConnectionErrors: false };
    const once = errorOf(await generate(server, { retries: never }), ConnectionError);
    assert.equal(once.attempts, 1);
    assert.ok(once.cause instanceof Error);
    const always: RetryConfig = {
      strategy: "backoff",
      backoff: { initialInterval: 1, maxElapsedTime: 1000 },
      retryConnectionErrors: true,
    };
    const many = errorOf(await generate(server, { retries: always }, {}, waitless()), ConnectionError);
    assert.equal(many.attempts, 11);
    if (server.requests) assert.equal(server.requests(), once.attempts + many.attempts);
  });
}

test("K-026 by default two retries, and only where no work was done", async (t) => {
  for (const status of [429, 503]) {
    const server = await refusing(
      t,
      ...Array<[number, Record<string, string>]>(5).fill([status, { "retry-after-ms": "1" }]),
    );
    assert.equal(errorOf(await generate(server, {}, {}, waitless()), APIError).attempts, 3);
    assert.equal(server.seen.length, 3);
  }
  for (const status of [400, 408, 409, 500, 502, 504]) {
    const server = await refusing(t, [status]);
    errorOf(await generate(server), APIError);
    assert.equal(server.seen.length, 1, `${status}`);
  }
  const refused = { url: `http://127.0.0.1:${await closedPort()}` };
  assert.equal(errorOf(await generate(refused, {}, {}, waitless()), ConnectionError).attempts, 3);
  const lost = await serveRaw(t, (socket) => socket.resetAndDestroy());
  assert.equal(errorOf(await generate(lost), ConnectionError).attempts, 1);
});

test("K-027 every attempt has the same idempotency key and the same body; every call its own key", async (t) => {
  const server = await serve(t, (response, _seen, i) => {
    if (i % 3 < 2) json(response, {}, 503, { "retry-after-ms": "1" });
    else json(response, ANSWER);
  });
  successOf(await generate(server));
  successOf(await generate(server));
  successOf(await generate(server, { idempotencyKey: "mine-1" }));
  successOf(await generate(server, { fetchOptions: { headers: { "Idempotency-Key": "mine-2" } } }));
  const keys = server.seen.map(({ headers }) => headers["idempotency-key"]);
  assert.equal(new Set(keys.slice(0, 3)).size, 1);
  assert.equal(new Set(keys.slice(3, 6)).size, 1);
  assert.deepEqual(new Set(keys.slice(6)), new Set(["mine-1", "mine-2"]));
  assert.equal(new Set(keys).size, 4);
  assert.match(String(keys[0]), /^[0-9a-z-]{20,40}$/);
  assert.equal(new Set(server.seen.map(({ body }) => body.toString())).size, 1);
});

test("after a lost answer, a picture that the server is still making is waited for", async (t) => {
  const server = await serve(t, (response, _seen, i) => {
    if (i === 0) response.destroy();
    else if (i === 1) {
      const error = { code: "idempotency_in_progress", message: "still running" };
      json(response, { error }, 409, { "retry-after-ms": "20" });
    } else json(response, ANSWER);
  });
  const retries: RetryConfig = { strategy: "backoff", backoff: { initialInterval: 1 }, retryConnectionErrors: true };
  successOf(await generate(server, { retries }));
  assert.equal(new Set(server.seen.map(({ headers }) => headers["idempotency-key"])).size, 1);
});

test("K-047 the bodies of refused attempts are read, so that one connection serves them all", async (t) => {
  const server = await serve(t, (response, _seen, i) => {
    if (i < 3) json(response, { error: { message: "x".repeat(300_000) } }, 503);
    else json(response, ANSWER);
  });
  successOf(await generate(server, { retries: BACKOFF }, {}, waitless()));
  assert.equal(server.seen.length, 4);
  assert.equal(server.connections(), 1);
});

for (const pace of ["drips", "stops"]) {
  test(`an error body that ${pace} holds nobody up for long, and its connection is closed`, async (t) => {
    let answer: ServerResponse | undefined;
    const server = await serve(t, (response) => {
      answer = response;
      response.writeHead(400, { "content-type": "application/json" });
      response.write('{"error":"slow');
    });
    // So that what came before the end is known to be here.
    const reading: (() => Promise<void>)[] = [];
    const httpClient = new HTTPClient().addHook("response", async (response) => {
      const reader = response.clone().body?.getReader();
      await reader?.read();
      reading.push(async () => reader?.cancel());
    });
    const clock = manualClock();
    const call = generate(server, {}, { httpClient }, clock);
    await clock.timer(DRAIN_MS);
    for (let i = 0; i < 3; i++) {
      clock.advance(DRAIN_MS / 4);
      if (pace === "drips") await new Promise((sent) => answer?.write(" ", sent));
    }
    assert.equal(await isSettled(call), false);
    clock.advance(DRAIN_MS / 4);
    const { statusCode, body } = errorOf(await call, APIError);
    assert.equal(statusCode, 400);
    assert.match(body, /^\{"error":"slow/);
    for (const stop of reading) await stop();
    await server.seen[0]?.closed;
  });
}

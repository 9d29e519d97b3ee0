import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { env, resetEnv } from "../src/compat/env.ts";
import {
  isAbortError,
  isConnectionError,
  isTimeoutError,
  matchContentType,
  matchResponse,
  matchStatusCode,
} from "../src/compat/http.ts";
import { PermanentError, retry, TemporaryError } from "../src/compat/retries.ts";
import { AtomaSDK, files } from "../src/index.ts";
import type { RetryConfig } from "../src/lib/retries.ts";
import { Health } from "../src/sdk/health.ts";
import { Images } from "../src/sdk/images.ts";
import { Models } from "../src/sdk/models.ts";
import { Nodes } from "../src/sdk/nodes.ts";
import { ERR, OK, type Result } from "../src/types/fp.ts";
import { catchUnrecognizedEnum, createPageIterator, type Paginator, RFCDate } from "../src/types/index.ts";
import { haltIterator, type PageIterator, unwrapResultIterator } from "../src/types/operations.ts";
import { isReadableStream } from "../src/types/streams.ts";
import { ANSWER, KEY } from "./support/calls.ts";
import { closedPort, json, serve } from "./support/server.ts";

const FAST: RetryConfig = {
  strategy: "backoff",
  backoff: { initialInterval: 1, maxInterval: 1, maxElapsedTime: 60_000 },
};
const statusCodes = ["429", "5xx"];
const { ATOMASDK_BEARER_AUTH, ATOMASDK_DEBUG } = process.env;
afterEach(() => {
  for (const [name, value] of Object.entries({ ATOMASDK_BEARER_AUTH, ATOMASDK_DEBUG })) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

test("retry asks again after the given statuses, and resolves to the first other answer", async (t) => {
  const server = await serve(t, (response, _seen, i) => json(response, { i }, [503, 429, 404][i]));
  const response = await retry(() => fetch(server.url), { config: FAST, statusCodes });
  assert.equal(response.status, 404);
  assert.deepEqual(await response.json(), { i: 2 });
});

test("retry resolves to the last refusal, still readable, when there is no time left or the strategy is none", async (t) => {
  const server = await serve(t, (response) => json(response, "no", 503));
  const configs: RetryConfig[] = [{ strategy: "none" }, { strategy: "backoff", backoff: { maxElapsedTime: 0 } }];
  for (const config of configs) {
    const response = await retry(() => fetch(server.url), { config, statusCodes });
    assert.deepEqual([response.status, await response.text()], [503, "no"]);
  }
  assert.equal(server.seen.length, 2);
});

test("retry asks again after a failed connection when it is told to, and else throws what was thrown", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const places = [`http://127.0.0.1:${await closedPort()}`, server.url];
  const config: RetryConfig = { ...FAST, retryConnectionErrors: true };
  const response = await retry(() => fetch(places.shift() ?? ""), { config, statusCodes });
  assert.equal(response.status, 200);

  const thrown = new TypeError("fetch failed", { cause: { code: "ECONNRESET" } });
  let calls = 0;
  const broken = () => {
    calls++;
    return Promise.reject(thrown);
  };
  await assert.rejects(retry(broken, { config: FAST, statusCodes }), (error) => error === thrown);
  assert.equal(calls, 1);
});

test("PermanentError ends the attempts, TemporaryError asks for another", async () => {
  const permanent = new PermanentError("no", { cause: "why" });
  assert.deepEqual([permanent.name, permanent.message, permanent.cause], ["PermanentError", "no: why", "why"]);
  await assert.rejects(
    retry(() => Promise.reject(permanent), { config: FAST, statusCodes }),
    (error) => error === permanent,
  );

  const answers = [new TemporaryError("again", new Response("first", { status: 200 })), undefined];
  assert.equal(answers[0]?.name, "TemporaryError");
  const response = await retry(
    async () => {
      const error = answers.shift();
      if (error) throw error;
      return new Response("second");
    },
    { config: FAST, statusCodes },
  );
  assert.equal(await response.text(), "second");
  const last = new TemporaryError("again", new Response("kept", { status: 503 }));
  const config = { strategy: "backoff", backoff: { maxElapsedTime: 0 } } as const;
  const kept = await retry(() => Promise.reject(last), { config, statusCodes });
  assert.equal(await kept.text(), "kept");
});

test("env reads the variables as they are now, and ATOMASDK_DEBUG=false is false", () => {
  delete process.env.ATOMASDK_DEBUG;
  process.env.ATOMASDK_BEARER_AUTH = KEY;
  assert.deepEqual(env(), { ATOMASDK_BEARER_AUTH: KEY });
  delete process.env.ATOMASDK_BEARER_AUTH;
  for (const [text, value] of Object.entries({ false: false, 0: false, true: true, 1: true })) {
    process.env.ATOMASDK_DEBUG = text;
    resetEnv();
    assert.deepEqual(env(), { ATOMASDK_DEBUG: value });
  }
});

test("a class of operations is made from options or from a client, and is the one of the client", async (t) => {
  const server = await serve(t, (response, { url }) => json(response, url === "/health" ? { status: "ok" } : ANSWER));
  const options = { serverURL: server.url, bearerAuth: KEY };
  const sdk = new AtomaSDK(options);
  assert.equal((await new Images(options).generate({ prompt: "x" })).data.length, 1);
  assert.equal((await new Images(sdk).generate({ prompt: "x" })).data.length, 1);
  assert.equal((await new Health(options).health()).message, "ok");
  for (const { headers } of server.seen) assert.equal(headers.authorization, `Bearer ${KEY}`);
  assert.ok(sdk.images instanceof Images);
  assert.ok(sdk.models instanceof Models);
  assert.ok(sdk.nodes instanceof Nodes);
  assert.equal(JSON.stringify(new Images(options)).includes(KEY), false);
  assert.ok(new Images());
});

test("the predicates of lib/http know what fetch rejects with, and what an answer is", async () => {
  const refused = await fetch(`http://127.0.0.1:${await closedPort()}`).catch((error: unknown) => error);
  const aborted = await fetch("http://127.0.0.1", { signal: AbortSignal.abort() }).catch((error: unknown) => error);
  const late = new DOMException("late", "TimeoutError");
  const kinds = (error: unknown) => [isConnectionError(error), isTimeoutError(error), isAbortError(error)];
  assert.deepEqual(kinds(refused), [true, false, false]);
  assert.deepEqual(kinds(late), [false, true, false]);
  assert.deepEqual(kinds(aborted), [false, false, true]);
  for (const other of [new TypeError("x is no function"), null, "fetch"]) {
    assert.deepEqual(kinds(other), [false, false, false]);
  }

  const response = new Response("{}", { status: 503, headers: { "content-type": "application/json; charset=UTF-8" } });
  for (const codes of [503, "503", "5xx", "5XX", [1, "5XX"]]) assert.ok(matchStatusCode(response, codes));
  for (const codes of [500, "4XX", []]) assert.ok(!matchStatusCode(response, codes));
  for (const type of ["application/json", "application/*", "*", "*/*", "application/json; charset=utf-8"]) {
    assert.ok(matchContentType(response, type), type);
  }
  for (const type of ["text/plain", "text/*", "application/json; charset=latin1"]) {
    assert.ok(!matchContentType(response, type), type);
  }
  assert.ok(matchResponse(response, "5XX", "application/json"));
  assert.ok(!matchResponse(response, "5XX", "text/plain"));
});

test("RFCDate is a day in UTC, and no other text than YYYY-MM-DD", () => {
  const date = new RFCDate(new Date("2022-01-01T23:59:59Z"));
  assert.deepEqual([`${date}`, JSON.stringify(new RFCDate("2022-01-31"))], ["2022-01-01", '"2022-01-31"']);
  assert.match(`${RFCDate.today()}`, /^\d{4}-\d\d-\d\d$/);
  for (const text of ["2022-1-1", "2022-13-01", "yesterday", ""]) assert.throws(() => new RFCDate(text), RangeError);
  assert.throws(() => new RFCDate(new Date("x")), RangeError);
});

interface Page {
  n: number;
}

function page(n: number, last: number): Page & { next: Paginator<Page> } {
  return { n, next: () => (n < last ? Promise.resolve(page(n + 1, last)) : null) };
}

test("pages are iterated over until the last, or the one that halts", async () => {
  const numbers = async (pages: { [Symbol.asyncIterator]: () => AsyncIterableIterator<Page> }) => {
    const seen = [];
    for await (const { n } of pages) seen.push(n);
    return seen;
  };
  assert.deepEqual(await numbers(createPageIterator<Page>(page(1, 3), () => false)), [1, 2, 3]);
  assert.deepEqual(await numbers(createPageIterator<Page>(page(1, 3), ({ n }) => n === 2)), [1, 2]);
  const only = haltIterator<Page>({ n: 7 });
  assert.deepEqual([await numbers(only), only.n, only.next()], [[7], 7, null]);

  const results = (second: Result<Page, Error>): PageIterator<Result<Page, Error>> => {
    const next = async () => ({ ...second, next: () => null });
    const first = { ...OK({ n: 1 }), next };
    return { ...first, ...createPageIterator<Result<Page, Error>>(first, () => false) };
  };
  const fine = await unwrapResultIterator(Promise.resolve(results(OK({ n: 2 }))));
  assert.deepEqual([fine.n, await numbers(fine), (await fine.next())?.n], [1, [1, 2], 2]);
  const failed = await unwrapResultIterator(Promise.resolve(results(ERR(new RangeError("no")))));
  await assert.rejects(numbers(failed), RangeError);
  await assert.rejects(async () => failed.next(), RangeError);
  const refused = haltIterator<Result<Page, Error>>(ERR(new RangeError("first")));
  await assert.rejects(unwrapResultIterator(Promise.resolve(refused)), RangeError);
});

test("streams are known by what they can do, and read in one go", async () => {
  assert.ok(isReadableStream(new Response("x").body));
  for (const other of [null, undefined, {}, "x", new Response("x")]) assert.ok(!isReadableStream(other));
  const { body } = new Response("abc");
  assert.ok(body);
  assert.deepEqual(new Uint8Array(await files.readableStreamToArrayBuffer(body)), new TextEncoder().encode("abc"));
  assert.equal(catchUnrecognizedEnum("x"), "x");
});

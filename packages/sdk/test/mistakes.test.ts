import assert from "node:assert/strict";
import { test } from "node:test";
import { imagesGenerate } from "../src/funcs/imagesGenerate.ts";
import type { SDKOptions } from "../src/lib/config.ts";
import { APIError, InvalidRequestError, UnexpectedClientError } from "../src/models/errors/index.ts";
import { ANSWER, core, errorOf, generate, KEY, successOf } from "./support/calls.ts";
import { json, serve } from "./support/server.ts";

/** What a caller without types may pass. */
const untyped = (value: object) => value as never;
const ENDLESS = { strategy: "backoff", retryConnectionErrors: true } as const;

const MISTAKES: [name: string, options: object, sdk: object][] = [
  ["a signal that is none", { signal: {} }, {}],
  ["headers that are none", { fetchOptions: { headers: "x" } }, {}],
  ["a list of codes that is none", { retryCodes: 503 }, {}],
  ["a logger that is none", {}, { debugLogger: {} }],
];

for (const [name, options, sdk] of MISTAKES) {
  test(`${name} is no ConnectionError, and nothing to try again`, async (t) => {
    const server = await serve(t, (response) => json(response, {}, 503));
    const error = errorOf(await generate(server, untyped({ ...options, retries: ENDLESS }), untyped(sdk)), Error);
    assert.ok(error instanceof UnexpectedClientError || error instanceof InvalidRequestError, `${error}`);
    assert.ok(error.attempts <= 1);
  });
}

test("a request whose getter throws is an UnexpectedClientError with its cause", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const cause = new TypeError("boom");
  const request = {
    get prompt(): string {
      throw cause;
    },
  };
  const error = errorOf(await imagesGenerate(core(server), request, { retries: ENDLESS }), UnexpectedClientError);
  assert.deepEqual([error.cause, error.attempts, server.seen.length], [cause, 0, 0]);
});

for (const key of [5, true, {}, Symbol("key"), () => 5]) {
  test(`K-039 a key that is ${typeof key === "function" ? "given as a number" : `a ${typeof key}`} is refused`, async (t) => {
    const server = await serve(t, (response) => json(response, ANSWER));
    const result = await generate(server, { retries: ENDLESS }, untyped({ bearerAuth: key }));
    assert.match(errorOf(result, InvalidRequestError).message, /No API key/);
    assert.equal(server.seen.length, 0);
  });
}

test("options that are null are left out", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const sdk = core(server);
  const nulls = { timeoutMs: null, attemptTimeoutMs: null, signal: null, retries: null, retryCodes: null };
  const more = { idempotencyKey: null, serverURL: null, maxResponseBytes: null, fetchOptions: null };
  for (const options of [null, { ...nulls, ...more }, { fetchOptions: { headers: null, signal: null } }]) {
    successOf(await imagesGenerate(sdk, { prompt: "x" }, options as never));
    assert.equal(server.seen.at(-1)?.headers.authorization, `Bearer ${KEY}`);
  }
  const nothing = { httpClient: undefined, serverIdx: undefined, timeoutMs: undefined, debugLogger: undefined };
  successOf(await generate(server, {}, nothing satisfies SDKOptions));
});

test("K-017 retry codes may be numbers", async (t) => {
  const server = await serve(t, (response, _seen, i) => json(response, i ? ANSWER : {}, i ? 200 : 418));
  successOf(await generate(server, untyped({ retryCodes: [418] })));
  assert.equal(server.seen.length, 2);
  const other = await serve(t, (response) => json(response, {}, 500));
  errorOf(await generate(other, untyped({ retryCodes: [418] })), APIError);
  assert.equal(other.seen.length, 1);
});

test("fetchOptions change neither the method nor the body", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  successOf(await generate(server, { fetchOptions: untyped({ method: "DELETE", body: "evil" }) }));
  const [seen] = server.seen;
  assert.deepEqual([seen?.method, `${seen?.body}`], ["POST", '{"prompt":"a cat"}']);
});

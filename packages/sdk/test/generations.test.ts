import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { imagesGenerateAsync } from "../src/funcs/imagesGenerateAsync.ts";
import { imagesGenerationCancel } from "../src/funcs/imagesGenerationCancel.ts";
import { imagesGenerationGet } from "../src/funcs/imagesGenerationGet.ts";
import { imagesGenerationWait, type WaitOptions } from "../src/funcs/imagesGenerationWait.ts";
import { AtomaSDK } from "../src/index.ts";
import { DRAIN_MS } from "../src/lib/body.ts";
import type { Generation } from "../src/models/components/index.ts";
import {
  APIError,
  ConnectionError,
  RequestAbortedError,
  RequestTimeoutError,
  SDKValidationError,
  UnexpectedClientError,
} from "../src/models/errors/index.ts";
import { ANSWER, core, errorOf, KEY, NONE, PNG, successOf } from "./support/calls.ts";
import { hurriedClock, manualClock } from "./support/manual-clock.ts";
import { json, serve } from "./support/server.ts";

const JOB = { id: "gen_0123456789", object: "image.generation", model: "m", created_at: 5 };
const NOT_YET = { started_at: null, ended_at: null, expires_at: null };
const QUEUED = { ...JOB, ...NOT_YET, status: "queued" };
const RUNNING = { ...JOB, ...NOT_YET, status: "running", started_at: 6 };
const ENDED = { ...JOB, started_at: 6, ended_at: 8, expires_at: 99 };
const DONE = { ...ENDED, status: "succeeded", result: { ...ANSWER, usage: { total_tokens: 3 } } };
const FAILED = {
  ...ENDED,
  status: "failed",
  error: { message: `no ${KEY}`, type: "t", param: null, code: "interrupted" },
};
const PATH = `/v1/images/generations/${JOB.id}`;

/** A server that accepts a generation, and then tells how it stands, the last state again and again. */
function accepting(t: Parameters<typeof serve>[0], ...states: object[]) {
  return serve(t, (response, { method }, i) => {
    if (method === "POST") return json(response, QUEUED, 202, { location: PATH, "retry-after": "1" });
    const state = states[Math.min(i - 1, states.length - 1)] ?? {};
    json(response, state, 200, "ended_at" in state && state.ended_at ? {} : { "retry-after": "3" });
  });
}

const waitless = () => hurriedClock((ms) => ms !== DRAIN_MS);

test("a generation that is made later resolves when it is accepted, and says how it stands", async (t) => {
  const server = await accepting(t, RUNNING, DONE, FAILED, { ...ENDED, status: "cancelled" });
  const client = core(server);
  const accepted = successOf(await imagesGenerateAsync(client, { prompt: "x", responseFormat: "url" }));
  const fields = { id: JOB.id, object: "image.generation", model: "m", createdAt: 5 };
  assert.deepEqual(accepted, { ...fields, status: "queued", retryAfterMs: 1000 });
  const [seen] = server.seen;
  assert.deepEqual(
    [seen?.method, seen?.url, seen?.headers.prefer],
    ["POST", "/v1/images/generations", "respond-async"],
  );
  assert.ok(seen?.headers["idempotency-key"]);
  assert.deepEqual(JSON.parse(String(seen?.body)), { prompt: "x", response_format: "url" });

  const running = successOf(await imagesGenerationGet(client, JOB.id));
  assert.deepEqual(running, { ...fields, status: "running", startedAt: 6, retryAfterMs: 3000 });
  const { result, ...done } = successOf(await imagesGenerationGet(client, accepted));
  assert.deepEqual(done, { ...fields, status: "succeeded", startedAt: 6, endedAt: 8, expiresAt: 99 });
  assert.equal(result?.usage?.totalTokens, 3);
  assert.equal((await result?.data[0]?.bytes())?.length, 70);
  const failed = successOf(await imagesGenerationGet(client, accepted));
  assert.deepEqual([failed.status, failed.error?.code], ["failed", "interrupted"]);
  const cancelled = successOf(await imagesGenerationCancel(client, accepted));
  assert.equal(cancelled.status, "cancelled");
  assert.deepEqual(
    server.seen.slice(1).map(({ method, url, body }) => [method, url, body.length]),
    [...Array(3).fill(["GET", PATH, 0]), ["DELETE", PATH, 0]],
  );
});

test("a server that answers at once gives a generation that has succeeded, and nothing is asked for again", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const client = core(server);
  const generation = successOf(await imagesGenerateAsync(client, { prompt: "x" }));
  assert.deepEqual([generation.status, generation.id], ["succeeded", undefined]);
  const { data } = successOf(await imagesGenerationWait(client, generation));
  assert.equal(data[0]?.b64Json, PNG);
  assert.equal(server.seen.length, 1);
});

test("waiting asks as often as the server wants, and resolves to the pictures", async (t) => {
  const server = await accepting(t, QUEUED, RUNNING, { ...RUNNING, status: "of tomorrow" }, DONE);
  const clock = waitless();
  const client = core(server, {}, clock);
  const states: string[] = [];
  const onUpdate = ({ status }: Generation) => void states.push(status);
  const accepted = successOf(await imagesGenerateAsync(client, { prompt: "x" }));
  const call = imagesGenerationWait(client, accepted, { onUpdate });
  const [result, exchange] = await call.$inspect();
  assert.equal(successOf(result).data.length, 1);
  assert.equal(exchange.status === "complete" && exchange.response.status, 200);
  assert.deepEqual(clock.waits, [1000, 3000, 3000, 3000]);
  assert.deepEqual(states, ["queued", "running", "of tomorrow", "succeeded"]);
});

test("an id is asked for at once, and no sooner again than the caller wants", async (t) => {
  for (const [headers, intervalMs, expected] of [
    [{ "retry-after": "3" }, 30_000, 30_000],
    [{ "retry-after": "40" }, 30_000, 40_000],
    [{ "retry-after": "4000" }, undefined, 120_000],
    [{}, undefined, 1000],
    [{}, 10, 1000],
  ] as const) {
    const server = await serve(t, (response, _seen, i) =>
      i ? json(response, DONE) : json(response, RUNNING, 200, { ...headers }),
    );
    const clock = waitless();
    successOf(await imagesGenerationWait(core(server, {}, clock), JOB.id, { intervalMs }));
    assert.deepEqual(clock.waits, [expected]);
  }
});

test("a generation that failed or was cancelled is an APIError with its code, and not asked for again", async (t) => {
  for (const [state, code, message] of [
    [FAILED, "interrupted", /^The generation failed: .*interrupted: no \*\*\* \(request req_5\)$/],
    [{ ...ENDED, status: "cancelled" }, "cancelled", /^The generation was cancelled/],
  ] as const) {
    const server = await serve(t, (response) => json(response, state, 200, { "x-request-id": "req_5" }));
    const error = errorOf(await imagesGenerationWait(core(server), JOB.id), APIError);
    assert.deepEqual([error.code, error.requestId, error.statusCode], [code, "req_5", 200]);
    assert.match(error.message, message);
    assert.equal(server.seen.length, 1);
  }
});

test("while it waits, the server may be away; one that has forgotten the generation ends it", async (t) => {
  const server = await serve(t, (response, _seen, i) => {
    if (i === 0) return json(response, RUNNING);
    if (i === 1) return response.destroy();
    if (i === 2) return json(response, {}, 502);
    if (i === 3) return json(response, DONE);
    json(response, { error: { code: "generation_not_found", message: "gone" } }, 404);
  });
  const client = core(server, {}, waitless());
  successOf(await imagesGenerationWait(client, JOB.id));
  assert.equal(server.seen.length, 4);
  assert.equal(errorOf(await imagesGenerationWait(client, JOB.id), APIError).statusCode, 404);
  assert.equal(server.seen.length, 5);
  const lost = await serve(t, (response) => response.destroy());
  errorOf(await imagesGenerationWait(core(lost, {}, waitless()), JOB.id, { retries: NONE }), ConnectionError);
  errorOf(await imagesGenerationWait(core(lost, { retryConfig: NONE }, waitless()), JOB.id), ConnectionError);
  assert.equal(lost.seen.length, 2);
});

test("a deadline and a signal end a wait, between two questions and in one, and leave nothing behind", async (t) => {
  const server = await serve(t, (response, _seen, i) => {
    if (i < 2) json(response, RUNNING, 200, { "retry-after": "60" });
  });
  const clock = manualClock();
  const client = core(server, {}, clock);
  const controller = new AbortController();
  const { signal } = controller;
  const start = (options: WaitOptions) => imagesGenerationWait(client, JOB.id, { signal, ...options });
  const late = start({ timeoutMs: 5000 });
  await clock.timer(60_000);
  clock.advance(5000);
  errorOf(await late, RequestTimeoutError);
  const left = start({});
  await clock.timer(60_000);
  controller.abort("the user left");
  assert.equal(errorOf(await left, RequestAbortedError).cause, "the user left");

  const other = new AbortController();
  const hanging = start({ signal: other.signal, timeoutMs: 5000 });
  await server.received(3);
  clock.advance(5000);
  errorOf(await hanging, RequestTimeoutError);
  assert.deepEqual(clock.waiting(), []);
  for (const one of [signal, other.signal]) assert.equal(getEventListeners(one, "abort").length, 0);
});

test("the class has the same operations, and throws", async (t) => {
  const server = await accepting(t, RUNNING, DONE, { ...ENDED, status: "cancelled" });
  const sdk = new AtomaSDK({ serverURL: server.url, bearerAuth: KEY }, waitless());
  const { response, data: generation } = await sdk.images.generateAsync({ prompt: "x" }).withResponse();
  assert.equal(response?.headers.get("location"), PATH);
  assert.equal((await sdk.images.getGeneration(generation)).status, "running");
  assert.equal((await sdk.images.waitForGeneration(JOB.id)).data.length, 1);
  assert.equal((await sdk.images.cancelGeneration(generation)).status, "cancelled");
  await assert.rejects(sdk.images.waitForGeneration(generation), APIError);
});

test("what cannot be a generation is refused; so are answers that are none", async (t) => {
  const answers: unknown[] = [{}, { id: "x" }, { error: { code: "busy" } }, { ...ENDED, status: "succeeded" }];
  const server = await serve(t, (response, _seen, i) => json(response, answers[i]));
  const client = core(server);
  // JavaScript lets these through.
  for (const wrong of ["", ".", "..", null, 5, {}, { id: 5 }] as unknown as string[]) {
    errorOf(await imagesGenerationGet(client, wrong), SDKValidationError);
    errorOf(await imagesGenerationCancel(client, wrong), SDKValidationError);
  }
  const streamed = { prompt: "x", stream: true } as unknown as { prompt: string };
  errorOf(await imagesGenerateAsync(client, streamed), SDKValidationError);
  assert.equal(server.connections(), 0);
  errorOf(await imagesGenerateAsync(client, { prompt: "x" }), SDKValidationError);
  errorOf(await imagesGenerationGet(client, "a/b?c"), SDKValidationError);
  assert.equal(server.seen.at(-1)?.url, "/v1/images/generations/a%2Fb%3Fc");
  assert.equal(errorOf(await imagesGenerationGet(client, "x"), APIError).code, "busy");
  errorOf(await imagesGenerationWait(client, "x"), SDKValidationError);
  const running = await serve(t, (response) => json(response, RUNNING));
  const onUpdate = () => {
    throw new Error("my bug");
  };
  errorOf(await imagesGenerationWait(core(running), "x", { onUpdate }), UnexpectedClientError);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { imagesGenerateStream } from "../src/funcs/imagesGenerateStream.ts";
import { HTTPClient, type Logger } from "../src/index.ts";
import type { RetryConfig } from "../src/lib/retries.ts";
import { ConnectionError, InvalidRequestError, UnexpectedClientError } from "../src/models/errors/index.ts";
import { ANSWER, core, errorOf, generate, PNG, successOf } from "./support/calls.ts";
import { json, serve } from "./support/server.ts";

/** Tries again after every lost connection: what is taken for one is seen in the number of requests. */
const EAGER: RetryConfig = {
  strategy: "backoff",
  backoff: { initialInterval: 1, maxInterval: 1, maxElapsedTime: 500 },
  retryConnectionErrors: true,
};

test("a debug logger that throws is no lost connection, before the answer or after it", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  for (const sign of [">", "<"]) {
    const cause: unknown = new TypeError("my bug");
    const log = (line: unknown) => {
      if (String(line).startsWith(sign)) throw cause;
    };
    const debugLogger: Logger = { log, group() {}, groupEnd() {} };
    const before = server.seen.length;
    const error: UnexpectedClientError = errorOf(
      await generate(server, { retries: EAGER }, { debugLogger }),
      UnexpectedClientError,
    );
    assert.deepEqual([error.cause, error.attempts], [cause, 1]);
    assert.equal(server.seen.length - before, sign === ">" ? 0 : 1);
  }
});

test("a fetcher that gives no Response is no lost connection", async () => {
  for (const given of [undefined, null, "text", {}]) {
    let calls = 0;
    const fetcher = async () => {
      calls++;
      return given as unknown as Response; // JavaScript lets it through
    };
    const httpClient = new HTTPClient({ fetcher });
    const options = { retries: EAGER, timeoutMs: 20_000 };
    const result = await generate({ url: "http://nowhere.invalid" }, options, { httpClient });
    errorOf(result, UnexpectedClientError);
    assert.equal(calls, 1);
  }
});

test("an answer that is nested too deep to be read is asked for once", async (t) => {
  const depth = 200_000;
  const deep = `{"data":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  const server = await serve(t, (response) => json(response, deep));
  const error = errorOf(await generate(server, { retries: EAGER }), UnexpectedClientError);
  assert.ok(error.cause instanceof RangeError);
  assert.equal(server.seen.length, 1);
});

test("what throws while an event is read is no lost connection; a body that breaks is one", async (t) => {
  const depth = 200_000;
  const deep = `{"type":"image_generation.completed","usage":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  const picture = JSON.stringify({ type: "image_generation.partial_image", b64_json: PNG });
  const server = await serve(t, (response, _seen, i) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    if (i === 0) return response.end(`data: ${deep}\n\n`);
    response.write(`data: ${picture}\n\n`, () => response.destroy());
  });
  for (const errorClass of [UnexpectedClientError, ConnectionError]) {
    const stream = successOf(await imagesGenerateStream(core(server), { prompt: "x" }, { retries: EAGER }));
    await assert.rejects(
      async () => {
        for await (const _ of stream);
      },
      (error) => error instanceof errorClass,
    );
  }
});

test("options that fetch does not know are an InvalidRequestError, not a lost connection", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  for (const fetchOptions of [{ mode: "navigate" }, { redirect: "nowhere" }, { credentials: "all" }]) {
    // JavaScript lets them through.
    const options = { retries: EAGER, fetchOptions: fetchOptions as RequestInit };
    for (const httpClient of [undefined, new HTTPClient()]) {
      const error = errorOf(await generate(server, options, { httpClient }), InvalidRequestError);
      assert.ok(error.cause instanceof TypeError);
    }
  }
  assert.equal(server.connections(), 0);
});

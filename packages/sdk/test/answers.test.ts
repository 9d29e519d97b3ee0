import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { healthCheck } from "../src/funcs/healthCheck.ts";
import { imagesGenerateStream } from "../src/funcs/imagesGenerateStream.ts";
import { modelsGet } from "../src/funcs/modelsGet.ts";
import { modelsList } from "../src/funcs/modelsList.ts";
import { APIError, AtomaSDK, ConnectionError, SDKValidationError } from "../src/index.ts";
import { ANSWER, core, errorOf, generate, NONE, PNG, successOf } from "./support/calls.ts";
import { json, serve, serveRaw } from "./support/server.ts";

test("K-001 url only, b64 only, both, and nulls are all answers", async (t) => {
  const url = "https://files.example/1.png";
  const items = [
    { url },
    { b64_json: PNG },
    { url, b64_json: PNG },
    { url: null, b64_json: PNG, revised_prompt: null },
    { url, b64_json: null },
    { b64_json: `data:image/png;base64,${PNG}` },
  ];
  const server = await serve(t, (response, _seen, i) => json(response, { created: 1, data: [items[i]] }));
  const got = [];
  for (const _ of items) got.push({ ...successOf(await generate(server)).data[0] });
  assert.deepEqual(got, [
    { url },
    { b64Json: PNG },
    { url, b64Json: PNG },
    { b64Json: PNG },
    { url },
    { b64Json: PNG },
  ]);
});

test("K-002 known fields are in camelCase, unknown ones as they came", async (t) => {
  const server = await serve(t, (response) =>
    json(response, {
      ...ANSWER,
      size: "1024x1024",
      quality: "high",
      background: "opaque",
      output_format: "png",
      usage: {
        total_tokens: 3,
        input_tokens: 1,
        output_tokens: 2,
        input_tokens_details: { text_tokens: 1, new_tokens: 9 },
      },
      new_field: { inner_field: 1 },
      data: [{ b64_json: PNG, seed: 7, revised_prompt: "cat", bytes: "not a method", media_type: "x", mediaType: "y" }],
    }),
  );
  const value = successOf(await generate(server));
  assert.equal(value.outputFormat, "png");
  assert.equal(value.size, "1024x1024");
  assert.deepEqual(value.usage, {
    totalTokens: 3,
    inputTokens: 1,
    outputTokens: 2,
    inputTokensDetails: { textTokens: 1, new_tokens: 9 },
  });
  assert.deepEqual(value.new_field, { inner_field: 1 });
  const [image] = value.data;
  assert.ok(image);
  assert.equal(image.seed, 7);
  assert.equal(image.revisedPrompt, "cat");
  assert.equal(image.media_type, "x");
  assert.equal(image.mediaType, "image/png");
  assert.equal((await image.bytes()).length, 70);
});

test("K-003 created is read leniently", async (t) => {
  const given = [1.9, "1713833628", " ", "soon", null, undefined, {}];
  const server = await serve(t, (response, _seen, i) => json(response, { created: given[i], data: ANSWER.data }));
  const read = [];
  for (const _ of given) read.push(successOf(await generate(server)).created);
  assert.deepEqual(read, [1, 1713833628, undefined, undefined, undefined, undefined, undefined]);
});

test("K-004 an answer without a picture is a validation error", async (t) => {
  const given = [[], null, undefined, "x", [null], [{}], [{ b64_json: "" }]];
  const server = await serve(t, (response, _seen, i) => json(response, { created: 1, data: given[i] }));
  for (const _ of given) {
    const error = errorOf(await generate(server), SDKValidationError);
    assert.match(error.message, /^Response validation failed: /);
    assert.match(error.pretty(), /"created":1/);
    assert.equal(error.attempts, 1);
  }
});

test("a picture beside one that is missing is not lost", async (t) => {
  const server = await serve(t, (response) => json(response, { created: 1, data: [{}, { b64_json: PNG }] }));
  const { data } = successOf(await generate(server));
  await assert.rejects(async () => data[0]?.bytes(), SDKValidationError);
  assert.equal((await data[1]?.bytes())?.length, 70);
});

test("K-005 an error envelope with status 200 is an APIError", async (t) => {
  const body = { error: { message: "no", type: "server_error", code: "overloaded", param: null } };
  const server = await serve(t, (response) => json(response, body));
  const error = errorOf(await generate(server), APIError);
  assert.deepEqual(
    [error.statusCode, error.code, error.type, error.param],
    [200, "overloaded", "server_error", undefined],
  );
  assert.match(error.message, /overloaded: no/);
});

test("K-006 malformed JSON is a validation error with the text", async (t) => {
  const server = await serve(t, (response) => json(response, '{"created": 1, '));
  const error = errorOf(await generate(server), SDKValidationError);
  assert.equal(error.rawValue, '{"created": 1, ');
  assert.ok(error.cause instanceof SyntaxError);
  await assert.rejects(new AtomaSDK({ serverURL: server.url }).images.generate({ prompt: "x" }), SDKValidationError);
});

test("K-007 an empty 200 and a 204 are unexpected answers", async (t) => {
  const server = await serve(t, (response, _seen, i) => {
    if (i === 0) return json(response, "");
    response.writeHead(204).end();
  });
  for (const status of [200, 204]) {
    const error = errorOf(await generate(server), APIError);
    assert.match(error.message, /^Unexpected API response/);
    assert.equal(error.statusCode, status);
  }
});

for (const [how, head] of [
  ["content-length", "content-length: 500"],
  ["chunked", "transfer-encoding: chunked"],
] as const) {
  test(`K-008 an answer cut off (${how}) is a ConnectionError, and retried when asked`, async (t) => {
    const server = await serveRaw(t, (socket, i) => {
      const body = how === "chunked" ? 'ff\r\n{"created": 1' : '{"created": 1';
      if (i < 2) return socket.end(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${head}\r\n\r\n${body}`);
      const full = JSON.stringify(ANSWER);
      socket.end(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${full.length}\r\n\r\n${full}`);
    });
    const error = errorOf(await generate(server), ConnectionError);
    assert.ok(error.cause instanceof Error);
    assert.equal(error.attempts, 1);
    const retried = await generate(server, { retries: { strategy: "backoff", retryConnectionErrors: true } });
    assert.equal(successOf(retried).created, ANSWER.created);
    assert.equal(server.requests(), 3);
  });
}

test("K-009 every 2xx status and every content type of JSON is an answer", async (t) => {
  const given: [number, string | undefined][] = [
    [201, "application/json"],
    [202, "application/json;charset=UTF-8"],
    [200, "application/vnd.atoma+json"],
    [200, "text/plain"],
    [200, undefined],
  ];
  const server = await serve(t, (response, _seen, i) => {
    const [status = 0, type] = given[i] ?? [];
    response.writeHead(status, type ? { "content-type": type } : {}).end(JSON.stringify(ANSWER));
  });
  for (const _ of given) assert.equal(successOf(await generate(server)).created, ANSWER.created);
});

test("K-010 an HTML page is an APIError with a bounded body", async (t) => {
  const page = `<html><title>Sign in</title>${"x".repeat(300_000)}</html>`;
  const server = await serve(t, (response) => response.writeHead(200, { "content-type": "text/html" }).end(page));
  const error = errorOf(await generate(server), APIError);
  assert.match(error.message, /^Unexpected API response.*Sign in/);
  assert.equal(error.body.length, 65_536);
});

test("K-011 gzip is decoded", async (t) => {
  const server = await serve(t, (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
    response.end(gzipSync(JSON.stringify(ANSWER)));
  });
  assert.equal(successOf(await generate(server)).created, ANSWER.created);
});

test("K-061 models and health are read leniently", async (t) => {
  const bodies: Record<string, unknown> = {
    "/v1/models": { data: [{ id: "a", owned_by: "x", created: 5, extra_key: 1, shutdown_date: null }, { id: "b" }] },
    "/v1/models/black-forest-labs%2FFLUX.1-schnell": { id: "black-forest-labs/FLUX.1-schnell", object: "model" },
    "/v1/models/bad": { object: "model" },
    "/health": { status: "ok", nodes: 2 },
  };
  const server = await serve(t, (response, { url }) => json(response, bodies[url] ?? {}));
  const client = core(server);
  assert.deepEqual(successOf(await modelsList(client)), {
    data: [{ id: "a", ownedBy: "x", created: 5, extra_key: 1 }, { id: "b" }],
  });
  assert.equal(successOf(await modelsGet(client, "black-forest-labs/FLUX.1-schnell")).object, "model");
  errorOf(await modelsGet(client, "bad"), SDKValidationError);
  errorOf(await modelsGet(client, ""), SDKValidationError);
  assert.deepEqual(successOf(await healthCheck(client)), { status: "ok", message: "ok", nodes: 2 });
  const sdk = new AtomaSDK({ serverURL: server.url });
  assert.equal((await sdk.models.modelsList()).data.length, 2);
  assert.equal((await sdk.models.list()).data.length, 2);
  assert.equal((await sdk.health.health()).message, "ok");
  assert.ok(server.seen.every(({ method, headers }) => method === "GET" && !headers["idempotency-key"]));
});

test("a server that is not well is asked once", async (t) => {
  const server = await serve(t, (response) => json(response, { message: "no node" }, 503));
  const error = errorOf(await healthCheck(core(server)), APIError);
  assert.match(error.message, /503: no node/);
  assert.equal(server.seen.length, 1);
});

test("K-064 102 and 103 before the answer are passed over; a 100 that nobody asked for is a ConnectionError", async (t) => {
  const server = await serveRaw(t, (socket, i) => {
    const body = JSON.stringify(ANSWER);
    const early = ["102 Processing", "103 Early Hints", "100 Continue"][i];
    socket.write(`HTTP/1.1 ${early}\r\n\r\n`);
    socket.end(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  });
  successOf(await generate(server, { retries: NONE }));
  successOf(await generate(server, { retries: NONE }));
  errorOf(await generate(server, { retries: NONE }), ConnectionError);
});

test("K-070 a server with the original's answers and errors is understood", async (t) => {
  const server = await serve(t, (response, _seen, i) =>
    i === 0
      ? json(response, { created: 1, data: [{ url: "https://x.example/a.png", revised_prompt: "r" }] })
      : json(response, { error: { code: "BALANCE_ERROR", message: "Insufficient balance" } }, 402),
  );
  const value = successOf(await generate(server));
  assert.deepEqual({ ...value.data[0] }, { url: "https://x.example/a.png", revisedPrompt: "r" });
  const error = errorOf(await generate(server), APIError);
  assert.deepEqual([error.statusCode, error.code, error.requestId], [402, "BALANCE_ERROR", undefined]);
});

test("a generation that was accepted to be made later is an error that says which, and is asked for once", async (t) => {
  const job = { id: "gen_1", object: "image.generation", status: "queued", model: "m", created_at: 5 };
  const location = "/v1/images/generations/gen_1";
  const server = await serve(t, (response) => json(response, job, 202, { location }));
  const options = {
    fetchOptions: { headers: { prefer: "respond-async" } },
    retries: { strategy: "backoff", retryConnectionErrors: true },
  } as const;
  const [result, call] = await generate(server, options).$inspect();
  const error = errorOf(result, SDKValidationError);
  assert.equal(server.seen[0]?.headers.prefer, "respond-async");
  assert.match(error.message, /^Response validation failed: data must be an array of pictures/);
  assert.deepEqual(error.rawValue, job);
  assert.equal(error.attempts, 1);
  assert.equal(error.idempotencyKey, server.seen[0]?.headers["idempotency-key"]);
  assert.equal(call.status === "complete" && call.response.status, 202);
  assert.equal(call.status === "complete" && call.response.headers.get("location"), location);

  const stream = await imagesGenerateStream(core(server), { prompt: "x" }, options);
  assert.deepEqual(errorOf(stream, SDKValidationError).rawValue, job);
  const sdk = new AtomaSDK({ serverURL: server.url });
  await assert.rejects(sdk.images.generate({ prompt: "x" }, options), SDKValidationError);
  assert.equal(server.seen.length, 3);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { AtomaSDK, HTTPClient } from "../src/index.ts";
import * as errors from "../src/models/errors/index.ts";
import { core, errorOf, generate, KEY, NO_TYPESCRIPT, NONE, PNG } from "./support/calls.ts";
import { json, serve } from "./support/server.ts";

const { APIError, SDKValidationError, ConnectionError, HTTPClientError, SDKError } = errors;

test("K-012 every refusal is an APIError with what the server says, after one request", async (t) => {
  const statuses = [400, 401, 402, 403, 404, 405, 408, 409, 413, 415, 422, 431];
  const body = { error: { message: "No.", type: "invalid_request_error", param: "n", code: "some_code" } };
  const headers = { "x-request-id": "req_1", "retry-after": "3", "x-extra": "e" };
  const server = await serve(t, (response, _seen, i) => json(response, body, statuses[i], headers));
  for (const status of statuses) {
    const error = errorOf(await generate(server), APIError);
    assert.equal(error.statusCode, status);
    assert.deepEqual(
      [error.code, error.type, error.param, error.requestId, error.retryAfterMs, error.attempts],
      ["some_code", "invalid_request_error", "n", "req_1", 3000, 1],
    );
    assert.equal(error.headers.get("x-extra"), "e");
    assert.equal(error.rawResponse.status, status);
    assert.equal(error.contentType, "application/json");
    assert.deepEqual(JSON.parse(error.body), body);
    assert.equal(error.message, `API error occurred: Status ${status} some_code: No. (request req_1)`);
    assert.ok(error.stack?.includes("(request req_1)"));
    assert.ok(error.idempotencyKey);
    assert.equal(server.seen.at(-1)?.headers["idempotency-key"], error.idempotencyKey);
  }
  assert.equal(server.seen.length, statuses.length);
});

test("an error of an answer that cannot be read says which request it was, in the message and in the stack", async (t) => {
  const server = await serve(t, (response, _seen, i) => {
    const headers = { "x-request-id": `req_${i}`, "content-length": 100 };
    if (i === 0) return json(response, "{not json", 200, { "x-request-id": "req_0" });
    response.writeHead(200, { "content-type": "application/json", ...headers });
    response.write("{", () => response.destroy());
  });
  for (const errorClass of [SDKValidationError, ConnectionError]) {
    const id = `req_${server.seen.length}`;
    const error = errorOf(await generate(server), errorClass);
    assert.equal(error.requestId, id);
    assert.ok(error.message.endsWith(`(request ${id})`), error.message);
    assert.ok(error.stack?.includes(error.message));
  }
  const lost = errorOf(await generate({ url: "http://127.0.0.1:1" }, { retries: NONE }), ConnectionError);
  assert.equal(lost.requestId, undefined);
  assert.equal(lost.message, "No connection to the server");
});

test("K-013 error bodies of every kind give the best message there is", async (t) => {
  const bodies: [body: string, message: RegExp, code?: string][] = [
    ['{"error":{"code":"REQUEST_ERROR","message":"bad field"}}', /400 REQUEST_ERROR: bad field$/, "REQUEST_ERROR"],
    ['{"error":"out of cheese"}', /: out of cheese$/],
    ['{"detail":[{"loc":["body","n"],"msg":"too large"}]}', /: body\.n: too large$/],
    ['{"detail":"Not here"}', /: Not here$/],
    ['{"message":"plain message"}', /: plain message$/],
    ["<html><head><title>400 Bad Gateway</title></head><body>nginx</body></html>", /: 400 Bad Gateway$/],
    ["<p>Hello <b>you</b></p>", /: Hello you$/],
    ["", /400: Bad Request$/],
    ['{"error":{"error":{"message":"deep","code":"c"}}}', /400 c: deep$/, "c"],
    ['{"detail":{"error":{"message":"deep","code":"c"}}}', /400 c: deep$/, "c"],
    ['{"detail":{"message":"less deep","code":"c"}}', /400 c: less deep$/, "c"],
    ['{"error":{"message":"first","detail":{"message":"second"}}}', /: first$/],
    ['{"message":"first","detail":{"message":"second"}}', /: first$/],
    ['{"detail":{"reason":"other"}}', /: \{"detail":\{"reason":"other"\}\}$/],
    ['{"error":{"message":"cut o', /: \{"error"/],
    ['{"error":{"code":17,"message":"numbers"}}', /400 17: numbers$/, "17"],
    ['{"error":{"message":{"a":1}}}', /: \{"a":1\}$/],
    ['{"error":null}', /400/],
    ["null", /400/],
    ["[1]", /: \[1\]$/],
    ['"text"', /: text$/],
  ];
  const server = await serve(t, (response, _seen, i) => json(response, bodies[i]?.[0] ?? "", 400));
  for (const [body, message, code] of bodies) {
    const error = errorOf(await generate(server), APIError);
    assert.match(error.message, message);
    assert.equal(error.code, code);
    assert.equal(error.body, body);
  }
});

test("K-068 the key is in no error, inspection or JSON, even where the server repeats it", async (t) => {
  const server = await serve(t, (response) =>
    json(response, { error: { message: `Incorrect API key provided: ${KEY}`, code: KEY } }, 401),
  );
  const sdk = new AtomaSDK({ serverURL: server.url, bearerAuth: KEY });
  const result = await generate(server);
  const error = errorOf(result, APIError);
  const lost = errorOf(await generate({ url: "http://127.0.0.1:1" }, { retries: NONE }), ConnectionError);
  const [, call] = await generate(server).$inspect();
  const shown = [sdk, core(server), sdk.images, error, lost, result, call].flatMap((value) => [
    inspect(value, { depth: 9, showHidden: true }),
    JSON.stringify(value),
    String(value),
  ]);
  for (const text of [...shown, error.body, error.stack, error.message]) assert.ok(!text?.includes(KEY), text);
  assert.equal(server.seen[0]?.headers.authorization, `Bearer ${KEY}`, "the key was sent");
});

test("a short key, the placeholder of a server that wants none, spoils no message", async (t) => {
  const server = await serve(t, (response) =>
    json(response, { error: { message: "None left", code: "none_left" } }, 400),
  );
  const error = errorOf(await generate(server, {}, { bearerAuth: "none" }), APIError);
  assert.deepEqual([error.code, error.message], ["none_left", "API error occurred: Status 400 none_left: None left"]);
});

test("K-069 messages and pretty() are bounded whatever the server sends", async (t) => {
  const huge = "m".repeat(5_000_000);
  const server = await serve(t, (response, _seen, i) =>
    i === 0
      ? json(response, { error: { message: huge } }, 400)
      : json(response, { created: huge, data: [{ other: huge }] }),
  );
  const refused = errorOf(await generate(server), APIError);
  assert.ok(refused.message.length < 1000);
  assert.equal(refused.body.length, 65_536);
  const invalid = errorOf(await generate(server), SDKValidationError);
  assert.ok(invalid.message.length < 1000);
  assert.ok(invalid.pretty().length < 2000);
});

test("a picture is in no error", async (t) => {
  const server = await serve(t, (response) => json(response, { created: 1, images: [{ b64_json: PNG }] }));
  const error = errorOf(await generate(server), SDKValidationError);
  for (const text of [inspect(error, { depth: 9 }), JSON.stringify(error), String(error), error.stack]) {
    assert.ok(!text?.includes(PNG));
  }
  const long = "iVBORw0KGgo".repeat(50);
  const echoes = [
    `data: {"b64_json":"${long}"}`,
    { detail: [{ loc: ["image"], msg: `bad: ${long}` }] },
    { error: long },
  ];
  const types = ["text/plain", "application/json", "application/json"];
  const echoing = await serve(t, (response, _seen, i) =>
    json(response, echoes[i], i ? 422 : 200, { "content-type": types[i] ?? "" }),
  );
  for (const _ of echoes) {
    const { message, stack, body } = errorOf(await generate(echoing), APIError);
    assert.doesNotMatch(`${message}${stack}`, /iVBORw0KGgo/);
    assert.ok(body.includes(long), "who looks for it finds it");
  }
});

test("errors have names, a common base, and are recognised across copies of the package", {
  skip: NO_TYPESCRIPT,
}, async () => {
  const copy: typeof errors = await import(`../src/models/errors/connectionerror.ts?${"copy"}`);
  assert.notEqual(copy.ConnectionError, ConnectionError);
  const one = new copy.ConnectionError("lost", { cause: 5 });
  assert.ok(one instanceof ConnectionError);
  assert.ok(one instanceof HTTPClientError);
  assert.ok(one instanceof SDKError);
  assert.ok(one instanceof Error);
  assert.ok(!(one instanceof errors.RequestTimeoutError));
  assert.ok(!(one instanceof APIError));
  assert.equal(one.cause, 5);
  assert.equal(one.name, "ConnectionError");
  for (const value of [null, undefined, "x", {}, new Error("x")]) assert.ok(!(value instanceof SDKError));
  class Mine extends ConnectionError {}
  assert.ok(new Mine("x") instanceof ConnectionError);
  assert.ok(!(one instanceof Mine));
});

test("every error class has its own file and its own name", { skip: NO_TYPESCRIPT }, async () => {
  for (const [name, errorClass] of Object.entries(errors)) {
    const file: Record<string, unknown> = await import(`../src/models/errors/${name.toLowerCase()}.ts`);
    assert.equal(file[name], errorClass);
    if (errorClass !== SDKError) assert.equal(errorClass.prototype.name, name);
  }
});

test("a hook that throws is an UnexpectedClientError with its cause", async (t) => {
  const server = await serve(t, (response) => json(response, {}));
  const cause = new TypeError("my bug");
  const httpClient = new HTTPClient().addHook("beforeRequest", () => {
    throw cause;
  });
  const error = errorOf(await generate(server, {}, { httpClient }), errors.UnexpectedClientError);
  assert.equal(error.cause, cause);
  assert.equal(server.seen.length, 0);
});

test("a server that repeats the key anywhere does not get it into what an error shows", async (t) => {
  const own = "tok-of-the-caller-987";
  const server = await serve(t, (response, seen, i) => {
    const said = String(seen.headers.authorization);
    const headers = { "x-request-id": `req ${said}`, "content-type": `text/plain; of="${said}"` };
    if (i % 2) response.writeHead(403, `Not ${said}`, headers).end();
    else response.writeHead(200, headers).end(`no JSON but ${said}`);
  });
  for (const [secret, headers] of [
    [KEY, {}],
    [own, { authorization: `Bearer ${own}` }],
    [own, { Authorization: own }],
  ] as const) {
    for (let i = 0; i < 2; i++) {
      const error = errorOf(await generate(server, { fetchOptions: { headers } }), APIError);
      assert.ok(server.seen.at(-1)?.headers.authorization?.includes(secret));
      const shown = [inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error), error.message, error.body];
      assert.doesNotMatch(shown.join(), new RegExp(secret));
      assert.match(String(error.requestId), /^req .*\*\*\*$/);
    }
  }
});

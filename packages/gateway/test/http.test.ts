import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingHttpHeaders, request } from "node:http";
import { after, test } from "node:test";
import { startWorld } from "./support/gateway.ts";
import { manualClock } from "./support/manual-clock.ts";
import { sendRaw, statusOf } from "./support/raw.ts";

const world = await startWorld({ maxBodyBytes: 2048, bodyTimeoutMs: 300 });
after(() => world[Symbol.asyncDispose]());
const { port, url } = world.gateway;
const PATH = "/v1/images/generations";

const raw = (...parts: string[]) => sendRaw(port, ...parts);
const auth = (key: string) => ({ authorization: key });

test("S-060 no key: 401 before the body is read", async () => {
  const headers = { ...auth(""), "content-type": "application/json" };
  const refused = await fetch(url + PATH, { method: "POST", headers, body: Buffer.alloc(10_000_000) });
  assert.equal(refused.status, 401);
  assert.equal(refused.headers.get("www-authenticate"), "Bearer");
  const { error } = (await refused.json()) as { error: { code: string | null; message: string } };
  assert.equal(error.code, null);
  assert.match(error.message, /^You didn't provide an API key\./);
});

test("S-061 wrong keys are refused, masked; the scheme's case does not matter", async () => {
  const wrong = `${world.key.slice(0, -1)}${world.key.endsWith("a") ? "b" : "a"}`;
  const refused = await world.generate({}, auth(`Bearer ${wrong}`));
  assert.deepEqual([refused.status, refused.json.error.code], [401, "invalid_api_key"]);
  assert.ok(!refused.text.includes(wrong.slice(10, -4)));
  const unknown = `Bearer sk-atoma-0123456789abcdef-${"a".repeat(43)}`;
  for (const header of [unknown, "Bearer nonsense", "Basic abc", "Bearer", `Bearer ${world.key} x`]) {
    assert.equal((await world.generate({}, auth(header))).status, 401, header);
  }
  assert.equal((await world.generate({}, auth(`bearer ${world.key}`))).status, 200);
});

test("S-061 two Authorization headers are refused, and said to be two", async () => {
  const line = `authorization: Bearer ${world.key}\r\n`;
  const text = await raw(`GET /v1/models HTTP/1.1\r\nhost: x\r\n${line}${line}connection: close\r\n\r\n`);
  assert.equal(statusOf(text), 401);
  assert.match(text, /The Authorization header is there more than once\./);
});

test("S-062 a bad key beside a bad body is a bad key", async () => {
  assert.equal((await world.post("{", auth("Bearer x"))).status, 401);
});

test("S-063 revoked, expired and disabled keys, and a key without the model", async () => {
  const { ledger, accountId } = world;
  const make = async (fields: object) => ledger.createKey({ accountId, name: "x", ...fields });
  const told = async (key: string) => {
    const { status, json } = await world.generate({}, auth(`Bearer ${key}`));
    return `${status} ${json.error.code} ${json.error.message.split(":")[0]}`;
  };
  const [revoked, disabled, expired, narrow] = await Promise.all([
    make({}),
    make({}),
    make({ expiresAt: Date.now() }),
    make({ allowedModels: ["another"] }),
  ]);
  await ledger.revokeKey(revoked.record.id);
  await ledger.disableKey(disabled.record.id);
  assert.equal(await told(revoked.key), "401 invalid_api_key The API key provided has been revoked");
  assert.equal(await told(disabled.key), "401 invalid_api_key The API key provided is disabled");
  assert.equal(await told(expired.key), "401 invalid_api_key The API key provided has expired");
  const guessed = `${revoked.key.slice(0, -1)}${revoked.key.endsWith("a") ? "b" : "a"}`;
  assert.equal(await told(guessed), "401 invalid_api_key Incorrect API key provided");
  const refused = await world.generate({}, auth(`Bearer ${narrow.key}`));
  assert.deepEqual(
    [refused.status, refused.json.error.code, refused.json.error.param],
    [403, "permission_denied", "model"],
  );
});

test("S-063 a revocation takes effect within a second, and for generations at once", async () => {
  const clock = manualClock();
  await using world = await startWorld({ clock });
  const { key, record } = await world.ledger.createKey({ accountId: world.accountId, name: "short" });
  const headers = auth(`Bearer ${key}`);
  assert.equal((await world.get("/v1/models", headers)).status, 200);
  await world.ledger.revokeKey(record.id);
  assert.equal((await world.generate({}, headers)).status, 401);
  await clock.advance(1000);
  assert.equal((await world.get("/v1/models", headers)).status, 401);
});

test("S-065 S-067 other methods and unknown paths", async () => {
  for (const method of ["GET", "PUT", "DELETE", "PATCH"]) {
    const answer = await fetch(url + PATH, { method, headers: auth(`Bearer ${world.key}`) });
    assert.equal(answer.status, 405);
    assert.match(answer.headers.get("allow") ?? "", /POST/);
    const { error } = (await answer.json()) as { error: { message: string } };
    assert.equal(error.message, `Invalid method for URL (${method} ${PATH})`);
  }
  for (const path of ["/v1/nope", "/v1/images/foo", "/v2/chat", "/"]) {
    const answer = await fetch(url + path, { method: "POST", body: "{}" });
    const { error } = (await answer.json()) as { error: { message: string; code: null } };
    assert.deepEqual([answer.status, error.message, error.code], [404, `Invalid URL (POST ${path})`, null]);
  }
});

test("S-066 preflights need no key", async () => {
  const answer = await fetch(url + PATH, {
    method: "OPTIONS",
    headers: {
      origin: "https://a.example",
      "access-control-request-headers": "authorization,content-type,idempotency-key",
    },
  });
  assert.equal(answer.status, 204);
  assert.equal(answer.headers.get("access-control-allow-origin"), "*");
  assert.match(answer.headers.get("access-control-allow-headers") ?? "", /idempotency-key/);
  const exposed = answer.headers.get("access-control-expose-headers")?.split(", ") ?? [];
  for (const name of ["x-request-id", "retry-after", "retry-after-ms", "x-should-retry", "content-range"]) {
    assert.ok(exposed.includes(name), name);
  }
});

test("S-069 S-074 only uncompressed JSON is read", async () => {
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data"]) {
    const { status, json, headers } = await world.post("{}", { "content-type": type });
    assert.deepEqual([status, json.error.code], [415, "unsupported_content_type"], type);
    assert.equal(headers.get("accept-post"), "application/json");
  }
  assert.equal((await world.post("{}", { "content-encoding": "gzip" })).status, 415);
  const untyped = await raw(
    `POST ${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${world.key}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`,
  );
  assert.equal(statusOf(untyped), 415);
});

test("S-055 S-056 bodies that are no JSON object", async () => {
  for (const body of ["", "{", '{"a":}', '{"a":1}x', "[]", '"x"', "5", "null", "true"]) {
    const { status, json } = await world.post(body);
    assert.deepEqual([status, json.error.code, json.error.type], [400, null, "invalid_request_error"], body);
  }
});

test("S-070 a body of the limit is read, one byte more is refused before it is read", async () => {
  const pad = (size: number) => {
    const shell = JSON.stringify({ model: "scripted", prompt: "" });
    return shell.replace('""', `"${"x".repeat(size - shell.length)}"`);
  };
  assert.equal((await world.post(pad(2048))).status, 200);
  const refused = await world.post(pad(2049));
  assert.deepEqual([refused.status, refused.json.error.code], [413, "request_too_large"]);
  const head = `POST ${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${world.key}\r\ncontent-type: application/json\r\n`;
  const promised = await raw(`${head}content-length: 1073741824\r\n\r\n{"prompt":"`);
  assert.equal(statusOf(promised), 413);
  assert.match(promised, /connection: close/i);
  const chunk = `800\r\n${"x".repeat(2048)}\r\n`;
  assert.equal(statusOf(await raw(`${head}transfer-encoding: chunked\r\n\r\n`, chunk, chunk)), 413);
});

test("S-022 a body that comes in single bytes", async () => {
  const body = JSON.stringify({ model: "scripted", prompt: "p" });
  const sent = request({
    port,
    method: "POST",
    path: PATH,
    headers: { authorization: `Bearer ${world.key}`, "content-type": "application/json" },
  });
  for (const byte of body) sent.write(byte);
  sent.end();
  const [response] = (await once(sent, "response")) as [
    { statusCode: number; headers: IncomingHttpHeaders; resume(): void },
  ];
  response.resume();
  assert.equal(response.statusCode, 200);
});

test("S-071 a body that never ends: 408 at the deadline", async () => {
  const text = await raw(
    `POST ${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${world.key}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"`,
  );
  assert.equal(statusOf(text), 408);
  assert.match(text, /"code":"request_timeout"/);
});

test("S-072 headers that are too large: 431", async () => {
  const text = await raw(`GET /health HTTP/1.1\r\nhost: x\r\nx-large: ${"a".repeat(70_000)}\r\n\r\n`);
  assert.equal(statusOf(text), 431);
  assert.match(text, /"code":"headers_too_large"/);
  assert.match(text, /\r\naccess-control-allow-origin: \*\r\n/, "a page may read it, too");
});

test("S-073 requests that two servers could read differently: 400 and close", async () => {
  const head = `POST ${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${world.key}\r\ncontent-type: application/json\r\n`;
  const shapes = [
    `${head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${head}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`,
    `POST ${PATH} HTTP/1.1\nhost: x\n\n`,
    `${head}host: y\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`,
    `${head}content-type: text/plain\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`,
    `${head}idempotency-key: a\r\nidempotency-key: a\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`,
    ...["x/v1/models", "ftp://x/v1/models", "http://user@x/v1/models", "http://user:pass@x/v1/models"].map(
      (target) => `GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
    ),
  ];
  for (const shape of shapes) {
    const text = await raw(shape);
    assert.equal(statusOf(text), 400, shape);
    assert.match(text, /"type":"invalid_request_error"/);
  }
});

test("a request target in the absolute form is answered as its path, and its authority stands for the Host header", async () => {
  const head = `host: wrong.example\r\nauthorization: Bearer ${world.key}\r\nconnection: close\r\n`;
  for (const target of ["http://h/v1/models", "HTTP://h:80/v1/models?x=1", "https://[::1]:8443/v1/models"]) {
    assert.equal(statusOf(await raw(`GET ${target} HTTP/1.1\r\n${head}\r\n`)), 200, target);
  }
  assert.match(await raw(`GET http://h HTTP/1.1\r\n${head}\r\n`), /Invalid URL \(GET \/\)/);
  assert.match(await raw(`GET http://h?x HTTP/1.1\r\n${head}\r\n`), /Invalid URL \(GET \/\)/);
  assert.match(
    await raw(`PUT http://h/v1/models HTTP/1.1\r\n${head}\r\n`),
    /Invalid method for URL \(PUT \/v1\/models\)/,
  );
  assert.equal(statusOf(await raw(`OPTIONS * HTTP/1.1\r\n${head}\r\n`)), 204);
  const body = '{"model":"scripted","prompt":"p","response_format":"url"}';
  const fields = `${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const answer = await raw(`POST http://images.example:8080${PATH} HTTP/1.1\r\n${fields}`);
  assert.match(answer, /"url":"http:\/\/images\.example:8080\/v1\/images\/files\//);
  const without = `connection: close\r\n\r\n`;
  assert.match(await raw(`GET http://h/health HTTP/1.1\r\n${without}`), /must have exactly one Host header/);
});

test("a key in api-key is one where there is no Authorization header", async () => {
  const ask = (lines: string) => raw(`GET /v1/models HTTP/1.1\r\nhost: x\r\n${lines}connection: close\r\n\r\n`);
  assert.equal(statusOf(await ask(`api-key: ${world.key}\r\n`)), 200);
  assert.equal(statusOf(await ask(`API-Key: ${world.key}\r\nauthorization:\r\n`)), 200);
  assert.match(await ask("api-key: nonsense-of-a-key\r\n"), /Incorrect API key provided: nonsense\*\*\*-key\./);
  assert.match(await ask(`api-key: ${world.key}\r\nauthorization: Bearer nonsense-of-a-key\r\n`), /Incorrect API key/);
  const twice = await ask(`api-key: ${world.key}\r\napi-key: ${world.key}\r\n`);
  assert.match(twice, /^HTTP\/1\.1 401 .*The api-key header is there more than once\./s);
  assert.match(await ask(`api-key: ${world.key} x\r\n`), /The api-key header has characters that no key has\./);
  const generation = await fetch(url + PATH, {
    method: "POST",
    headers: { "api-key": world.key, "content-type": "application/json" },
    body: '{"model":"scripted","prompt":"p"}',
  });
  assert.equal(generation.status, 200);
  await generation.arrayBuffer();
  assert.ok(!JSON.stringify(world.node.requests.at(-1)?.headers).includes(world.key), "the key goes to no node");
});

test("S-073 S-124 HTTP/1.0, which has no Host header, is answered; HTTP/1.1 without one is refused", async () => {
  assert.equal(statusOf(await raw("GET /health HTTP/1.0\r\n\r\n")), 200);
  assert.equal(statusOf(await raw("GET /health HTTP/1.1\r\nconnection: close\r\n\r\n")), 400);
  const body = '{"model":"scripted","prompt":"p","response_format":"url"}';
  const head = `authorization: Bearer ${world.key}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
  const answer = await raw(`POST ${PATH} HTTP/1.0\r\n${head}\r\n\r\n${body}`);
  assert.equal(statusOf(answer), 200);
  assert.ok(answer.includes(`"url":"${url}/v1/images/files/`), "where it listens stands for what was called");
});

test("S-120 S-121 S-122 S-123 models", async () => {
  await using aliased = await startWorld({ modelAliases: { "black-forest-labs/FLUX.1-schnell": "scripted" } });
  const list = await aliased.get("/v1/models");
  assert.equal(list.json.object, "list");
  for (const model of list.json.data) {
    assert.ok(model.object === "model" && Number.isInteger(model.created) && typeof model.owned_by === "string");
  }
  const [escaped, plain] = await Promise.all([
    aliased.get("/v1/models/black-forest-labs%2FFLUX.1-schnell"),
    aliased.get("/v1/models/black-forest-labs/FLUX.1-schnell"),
  ]);
  assert.equal(escaped.json.id, "black-forest-labs/FLUX.1-schnell");
  assert.deepEqual(plain.json, escaped.json);
  const missing = await aliased.get("/v1/models/nope");
  assert.deepEqual([missing.status, missing.json.error.code], [404, "model_not_found"]);
  assert.equal((await fetch(`${url}/v1/models`)).status, 401);
});

test("S-124 health needs no key and tells when no node is ready", async () => {
  assert.deepEqual((await world.get("/health")).json, { message: "ok", status: "ok" });
  await using lonely = await startWorld({ nodes: [{ name: "gone", url: "http://127.0.0.1:1" }] });
  const sick = await lonely.get("/health");
  assert.deepEqual([sick.status, sick.json.message], [503, "no node is ready"]);
});

test("the OpenAPI document is served", async () => {
  const { json } = await world.get("/openapi.json");
  assert.equal(json.openapi, "3.1.0");
  assert.ok(json.paths["/v1/images/generations"].post);
});

test("S-076 a gateway that stops finishes what runs and refuses what comes", async () => {
  await using stopping = await startWorld();
  let release = () => {};
  const { behave } = stopping.node;
  const reached = new Promise<void>((resolve) => {
    stopping.node.behave = async (...args) => {
      resolve();
      await new Promise<void>((go) => {
        release = go;
      });
      await behave(...args);
    };
  });
  const running = stopping.generate();
  await reached;
  const closed = stopping.gateway.close(5000);
  const refused = await stopping.generate();
  assert.deepEqual([refused.status, refused.json.error.code], [503, "shutting_down"]);
  assert.ok(Number(refused.headers.get("retry-after")) >= 1);
  release();
  assert.equal((await running).status, 200);
  await closed;
});

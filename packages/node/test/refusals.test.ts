import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import pino from "pino";
import type { RunningNode } from "../src/index.ts";
import { type Envelope, json, loadedNode, MODEL, post } from "./support.ts";

let node: RunningNode & AsyncDisposable;
before(async () => {
  node = await loadedNode({ deadlines: { requestMs: 1_000 } });
});
after(() => node.close(0));

async function refused(response: Response, status: number, error: Partial<Envelope["error"]>): Promise<void> {
  const body = await json<Envelope>(response);
  assert.equal(response.status, status, JSON.stringify(body));
  assert.deepEqual(Object.keys(body.error).sort(), ["code", "message", "param", "type"]);
  for (const [key, value] of Object.entries(error))
    assert.equal(Object.entries(body.error).find(([k]) => k === key)?.[1], value);
  assert.match(response.headers.get("x-request-id") ?? "", /^req_[0-9a-f]{32}$/);
  assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
}

const get = (path: string, init?: RequestInit) => fetch(node.url + path, init);

test("bad bodies", async () => {
  await refused(await post(node, "{"), 400, { code: null, param: null });
  await refused(await post(node, "[]"), 400, {
    message: "Invalid body: the request must be a JSON object, but got an array instead.",
  });
  await refused(await post(node, "[".repeat(100)), 400, {
    message: "We could not parse the JSON body of your request: it is nested too deeply.",
  });
  await refused(await post(node, { model: "nope" }), 404, { code: "model_not_found", param: "model" });
  await refused(await post(node, { n: 0 }), 400, { code: "integer_below_min_value", param: "n" });
  await refused(await post(node, { n: "2" }), 400, { code: "invalid_type", param: "n" });
  await refused(await post(node, { n: true }), 400, { code: "invalid_type", param: "n" });
  await refused(await post(node, { size: "1024xfoox1024" }), 400, { param: "size" });
  await refused(await post(node, { bogus: 1 }), 400, { code: "unknown_parameter", param: "bogus" });
  await refused(await post(node, { response_format: "url" }), 400, { param: "response_format" });
});

test("bad media types and encodings", async () => {
  await refused(await post(node, {}, { headers: { "content-type": "text/plain" } }), 415, {
    code: "unsupported_content_type",
  });
  await refused(await get("/v1/images/generations", { method: "POST" }), 415, {
    message: "Missing content type. Use 'application/json'.",
  });
  await refused(await post(node, {}, { headers: { "content-encoding": "gzip" } }), 415, {
    code: "unsupported_content_type",
  });
  assert.equal((await post(node, {}, { headers: { "content-encoding": "Identity" } })).status, 200);
});

test("a body over the limit, announced or not", async () => {
  const large = JSON.stringify({ prompt: "x".repeat(300_000) });
  const announced = await post(node, large);
  await refused(announced, 413, { code: "request_too_large" });
  assert.equal(announced.headers.get("connection"), "close");
  const body = new Blob([large]).stream();
  const chunked = await get("/v1/images/generations", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
    duplex: "half",
  });
  await refused(chunked, 413, { code: "request_too_large" });
});

test("bad deadlines", async () => {
  for (const value of ["0", "-1", "1.5", "soon"]) {
    const response = await post(node, {}, { headers: { "x-atoma-timeout-ms": value } });
    await refused(response, 400, { code: "invalid_header" });
  }
});

test("unknown URLs and methods", async () => {
  await refused(await get("/v1/nope", { method: "POST" }), 404, { message: "Invalid URL (POST /v1/nope)" });
  await refused(await get("/v1/models/%ZZ"), 404, { type: "invalid_request_error" });
  const reading = "GET, HEAD";
  for (const [path, allow] of [
    ["/v1/images/generations", "POST"],
    ["/v1/images/edits", "POST"],
    ["/v1/requests/some-id", "GET, DELETE"],
    ["/v1/models", reading],
    [`/v1/models/${MODEL}`, reading],
    ["/v1/models/with/slash", reading],
    ["/v1/load", reading],
    ["/healthz", reading],
    ["/readyz", reading],
  ] as const) {
    const others = ["GET", "POST", "PUT", "PATCH", "DELETE"].filter((method) => !allow.includes(method));
    for (const method of others) {
      const wrong = await get(path, { method });
      assert.equal(wrong.headers.get("allow"), allow, `${method} ${path}`);
      await refused(wrong, 405, { message: `Invalid method for URL (${method} ${path})` });
    }
  }
});

/** Sends bytes on a bare connection and gives all that comes back. */
async function raw(bytes: string, { port } = node): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    answer += text;
  });
  socket.write(bytes);
  await once(socket, "close");
  return answer;
}

const PATH = "/v1/images/generations";
const refusal = (status: number, message: string) =>
  new RegExp(`^HTTP/1\\.1 ${status} .*\r\nx-request-id: req_[0-9a-f]{32}\r\n.*"message":"${message}`, "is");

test("S-073 requests that two servers could read differently", async () => {
  const head = `POST ${PATH} HTTP/1.1\r\nconnection: close\r\ncontent-type: application/json\r\n`;
  const oneHost = refusal(400, "The request must have exactly one Host header");
  assert.match(await raw(`${head}content-length: 2\r\n\r\n{}`), oneHost);
  assert.match(await raw(`${head}host: x\r\nhost: y\r\ncontent-length: 2\r\n\r\n{}`), oneHost);
  assert.match(
    await raw(`${head}host: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`),
    refusal(400, "The only transfer coding of a request may be 'chunked'"),
  );
  for (const target of ["x", "ftp://x/readyz", "http://user@x/readyz", "*"]) {
    assert.match(
      await raw(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`),
      /^HTTP\/1\.1 400 .*(?:The request target must be a path|The request is not valid HTTP)/s,
      target,
    );
  }
  for (const name of ["content-type", "x-atoma-timeout-ms"]) {
    const twice = `${head}host: x\r\n${name}: application/json\r\n${name}: 1\r\ncontent-length: 2\r\n\r\n{}`;
    assert.match(await raw(twice), refusal(400, `The header '${name}' is there more than once`));
  }
  const absolute = `GET http://elsewhere:1/readyz?x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;
  assert.match(await raw(absolute), /^HTTP\/1\.1 200 /);
  assert.match(await raw("GET /healthz HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 200 /);
});

test("S-065 S-067 the URL and its method come before the body, whatever that is", async () => {
  const plain = { headers: { "content-type": "text/plain" }, body: "x" };
  await refused(await get("/v1/nope", { method: "POST", ...plain }), 404, { message: "Invalid URL (POST /v1/nope)" });
  await refused(await get("/v1/models", { method: "PUT", ...plain }), 405, {});
  const query = `QUERY ${PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;
  assert.match(await raw(query), refusal(405, "Invalid method for URL \\(QUERY "));
});

test("an id of any length is looked up or refused with 404, and so is a target that is badly escaped", async () => {
  const lines: string[] = [];
  await using logged = await loadedNode({
    logger: pino({ level: "debug" }, { write: (line) => void lines.push(line) }),
  });
  for (const path of [`/v1/requests/${"x".repeat(3000)}`, `/v1/models/${"x".repeat(3000)}`, "/v1/requests/%ZZ"]) {
    for (const method of path.startsWith("/v1/requests/") ? ["GET", "DELETE"] : ["GET"]) {
      await refused(await fetch(logged.url + path, { method }), 404, { type: "invalid_request_error" });
    }
  }
  assert.ok(
    lines.every((line) => line.length < 1000 && !line.includes("x".repeat(300))),
    "nor is it logged",
  );
});

test("a path that is nearly right is answered with the one that was probably meant", async () => {
  for (const [path, meant] of [
    ["/v1/v1/images/generations", PATH],
    ["/images/generations", PATH],
    [`${PATH}/`, PATH],
    ["/v1/models/", "/v1/models"],
  ]) {
    const method = meant === PATH ? "POST" : "GET";
    await refused(await get(`${path}`, { method }), 404, {
      message: `Invalid URL (${method} ${path}). You probably meant ${meant}`,
      code: null,
    });
  }
});

test("probes are logged at debug, requests at info", async () => {
  const lines: { level: number; route: string }[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  await using logged = await loadedNode({ logger: pino({ level: "debug" }, { write }) });
  for (const path of ["/readyz", "/healthz", "/v1/load", "/v1/models"]) await (await fetch(logged.url + path)).text();
  while (!lines.some(({ route }) => route === "/v1/models")) await new Promise(setImmediate);
  const levels = lines.filter(({ route }) => route).map(({ route, level }) => `${route} ${level}`);
  assert.deepEqual(levels.sort(), ["/healthz 20", "/readyz 20", "/v1/load 20", "/v1/models 30"]);
});

test("S-060 nobody is invited to send a body before being known", async () => {
  await using guarded = await loadedNode({ token: "sesame" });
  const head = `POST ${PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n`;
  const expecting = `${head}content-length: 2\r\nexpect: 100-continue\r\n`;
  assert.match(await raw(`${expecting}\r\n`, guarded), /^HTTP\/1\.1 401 /);
  const invited = await raw(`${expecting}authorization: Bearer sesame\r\n\r\n{}`, guarded);
  assert.match(invited, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 400 /);
  assert.match(await raw(`${head}content-length: 2\r\nexpect: wonders\r\n\r\n{}`), /^HTTP\/1\.1 400 /);
});

test("S-069 S-070 whoever is refused while still sending gets to read why", async () => {
  const body = new Uint8Array(20_000_000);
  for (const type of ["text/plain", "application/json"]) {
    for (let i = 0; i < 5; i++) {
      const answer = await get(PATH, { method: "POST", headers: { "content-type": type }, body });
      await refused(answer, type === "text/plain" ? 415 : 413, {});
    }
  }
});

test("what is no HTTP, too large in its headers, or too slow", async () => {
  assert.match(await raw("hello\r\n\r\n"), /^HTTP\/1\.1 400 .*"type":"invalid_request_error"/s);
  assert.match(
    await raw(`GET / HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(70_000)}\r\n\r\n`),
    /^HTTP\/1\.1 431 .*headers_too_large/s,
  );
  const slow =
    "POST /v1/images/generations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
  assert.match(await raw(slow), /^HTTP\/1\.1 408 .*request_timeout/s);
});

test("a node with a token answers those who bear it", async () => {
  await using guarded = await loadedNode({ token: "sesame" });
  const ask = (authorization?: string) =>
    fetch(`${guarded.url}/v1/models`, { headers: authorization === undefined ? {} : { authorization } });
  await refused(await ask(), 401, { code: null });
  const notBearer = "The Authorization header does not begin with the scheme Bearer.";
  const hint = "Send your API key using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";
  await refused(await ask("Basic c2VzYW1l"), 401, { code: null, message: `${notBearer} ${hint}` });
  await refused(await ask("Bearer"), 401, { code: null });
  const head = "GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer sesame\r\n";
  assert.match(
    await raw(`${head}authorization: Bearer sesame\r\n\r\n`, guarded),
    refusal(401, "The Authorization header is there more than once"),
  );
  assert.equal((await fetch(`${guarded.url}/v1/models`, { headers: { "api-key": "sesame" } })).status, 200);
  const wrong = await ask("Bearer sesame1");
  assert.equal(wrong.headers.get("www-authenticate"), "Bearer");
  await refused(wrong, 401, { code: "invalid_api_key", message: "Incorrect API key provided: ***." });
  assert.equal((await ask("bearer sesame")).status, 200);
  await refused(await post(guarded, "{"), 401, {});
  await refused(await fetch(`${guarded.url}/v1/load`), 401, {});
  assert.equal((await fetch(`${guarded.url}/healthz`)).status, 200);
  assert.equal((await fetch(`${guarded.url}/readyz`)).status, 200);
});

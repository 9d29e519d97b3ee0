import assert from "node:assert/strict";
import { test } from "node:test";
import { HTTPClient } from "../src/index.ts";
import { InvalidRequestError } from "../src/models/errors/index.ts";
import { ANSWER, errorOf, generate, successOf } from "./support/calls.ts";
import { json, serve } from "./support/server.ts";

/** Headers that fetch sends itself, or that no HTTP/1.1 client may choose: with them a call fails late, or never ends. */
const REFUSED: [name: string, value: string][] = [
  ["content-length", "3"], // less than the body: Node's fetch never settles
  ["Content-Length", "500"],
  ["content-length", ""],
  ["transfer-encoding", "chunked"],
  ["upgrade", "websocket"],
  ["expect", "100-continue"],
  ["keep-alive", "timeout=5"],
  ["connection", "upgrade"],
  ["connection", "x-other"],
  ["x-control", "a\u0001b"],
  ["x-control", "a\u007fb"],
  ["x-control", "a\nb"],
  ["x-wide", "日本"],
  ["not a name", "x"],
];

for (const [name, value] of REFUSED) {
  test(`the header ${JSON.stringify(`${name}: ${value}`)} is refused before anything is sent`, async (t) => {
    const server = await serve(t, (response) => json(response, ANSWER));
    for (const headers of [{ [name]: value }, [[name, value]] as [string, string][]]) {
      const error = errorOf(await generate(server, { fetchOptions: { headers } }), InvalidRequestError);
      assert.match(error.message, /header/i);
      if (/^[a-z-]+$/i.test(name)) assert.match(error.message, new RegExp(name, "i"));
      assert.equal(error.attempts, 0);
    }
    assert.equal(server.connections(), 0);
  });
}

test("a hook of the HTTPClient cannot set them either", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const httpClient = new HTTPClient().addHook("beforeRequest", (request) => {
    request.headers.set("content-length", "3");
  });
  const error = errorOf(await generate(server, {}, { httpClient }), InvalidRequestError);
  assert.match(error.message, /content-length/);
  assert.equal(server.connections(), 0);
});

test("headers that fetch can bear are sent", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const mine = { connection: "close", te: "trailers", cookie: "a=b", "x-latin": "ü", "x-tab": "a\tb", "x-empty": "" };
  successOf(await generate(server, { fetchOptions: { headers: mine } }));
  const { te, cookie, connection, "x-empty": empty, "x-tab": tab } = server.seen[0]?.headers ?? {};
  assert.deepEqual([te, cookie, connection, empty, tab], ["trailers", "a=b", "close", "", "a\tb"]);
});

test("headers that are larger than the server takes are its refusal", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const headers = { "x-big": "a".repeat(20_000) };
  const result = await generate(server, { fetchOptions: { headers } });
  assert.ok(!result.ok);
  assert.equal(Reflect.get(result.error, "statusCode"), 431);
});

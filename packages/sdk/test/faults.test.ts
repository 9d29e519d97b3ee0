import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { APIError, ConnectionError, RequestTimeoutError, SDKValidationError } from "../src/models/errors/index.ts";
import { ANSWER, errorOf, generate, NONE, PNG, successOf } from "./support/calls.ts";
import { manualClock } from "./support/manual-clock.ts";
import { serve, serveRaw } from "./support/server.ts";

const BODY = JSON.stringify(ANSWER);
const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const sized = (body: string, length = Buffer.byteLength(body)) => `${HEAD}content-length: ${length}\r\n\r\n${body}`;

/** What a server sends before it closes the connection. */
const LOST: Record<string, string> = {
  "half of the headers": "HTTP/1.1 200 OK\r\ncontent-ty",
  "headers alone": sized("", 500),
  "half of a body": sized(BODY.slice(0, 50), 500),
  "half of a chunk": `${HEAD}transfer-encoding: chunked\r\n\r\n40\r\n{"created`,
  "a chunk without a size": `${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
  "gzip that is none": `${HEAD}content-encoding: gzip\r\ncontent-length: 5\r\n\r\nabcde`,
  "brotli that is none": `${HEAD}content-encoding: br\r\ncontent-length: 5\r\n\r\nabcde`,
  "two lengths": `${HEAD}content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef`,
  "a negative length": `${HEAD}content-length: -5\r\n\r\nabcdef`,
  "a status that is none": "HTTP/1.1 99 X\r\n\r\n",
  "another protocol": "HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
  "headers without an end": `HTTP/1.1 200 OK\r\nx: ${"a".repeat(70_000)}\r\ncontent-length: 2\r\n\r\n{}`,
};

for (const [name, text] of Object.entries(LOST)) {
  test(`K-008 ${name}: a ConnectionError with its cause after one request`, async (t) => {
    const server = await serveRaw(t, (socket) => socket.end(text));
    const error = errorOf(await generate(server, { timeoutMs: 20_000 }), ConnectionError);
    assert.ok(error.cause);
    assert.deepEqual([error.attempts, server.requests()], [1, 1]);
  });
}

const WHOLE: Record<string, string | Buffer> = {
  "HTTP/1.0 without a length": `HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n${BODY}`,
  "more than its length": `${sized(BODY)}EXTRA`,
  "space around it": sized(`\n\t ${BODY}\r\n`),
  "a byte order mark": sized(`\uFEFF${BODY}`),
  "bytes that are no UTF-8": Buffer.concat([
    Buffer.from(`${HEAD}\r\n{"data":[{"b64_json":"${PNG}","revised_prompt":"`),
    Buffer.from([0xff, 0xfe, 0x22]),
    Buffer.from("}]}"),
  ]),
};

for (const [name, text] of Object.entries(WHOLE)) {
  test(`K-009 an answer with ${name} is an answer`, async (t) => {
    const server = await serveRaw(t, (socket) => socket.end(text));
    assert.equal(successOf(await generate(server)).data[0]?.b64Json, PNG);
  });
}

test("K-006 what follows the JSON, or another encoding of it, is a validation error", async (t) => {
  const texts = [sized(`${BODY}}}`), `${HEAD}\r\n${Buffer.from(BODY, "utf16le").toString("latin1")}`];
  const server = await serveRaw(t, (socket, i) => socket.end(texts[i] ?? "", "latin1"));
  for (const _ of texts) errorOf(await generate(server), SDKValidationError);
});

test("K-013 a refusal that breaks off still says what it said before", async (t) => {
  const refusal = '{"error":{"message":"no otters","code":"otters"}}';
  const server = await serveRaw(t, (socket) => socket.end(`HTTP/1.1 400 X\r\ncontent-length: 500\r\n\r\n${refusal}`));
  const error = errorOf(await generate(server), APIError);
  assert.deepEqual([error.statusCode, error.code, error.body], [400, "otters", refusal]);
});

/** Sends a text byte by byte. */
async function drip(socket: Socket, text: string): Promise<void> {
  for (const byte of text) {
    await new Promise((sent) => socket.write(byte, sent));
  }
}

test("K-030 headers that drip are an answer, and end at the deadline", { timeout: 30_000 }, async (t) => {
  const slow = await serveRaw(t, (socket) => drip(socket, sized(BODY)));
  successOf(await generate(slow));
  const clock = manualClock();
  let closed: Promise<void> | undefined;
  const endless = await serveRaw(t, async (socket) => {
    closed = new Promise((resolve) => socket.once("close", () => resolve()));
    await drip(socket, `HTTP/1.1 200 OK\r\nx: ${"y".repeat(100)}`);
    clock.advance(200);
  });
  errorOf(await generate(endless, { timeoutMs: 200 }, {}, clock), RequestTimeoutError);
  await closed;
});

/** fetch keeps these two to itself: it asks again after the one, and calls the other a network error. */
const FETCH_OWN = [407, 421];

test("K-012 every other status is an APIError after one request", { timeout: 60_000 }, async (t) => {
  const statuses = Array.from({ length: 299 }, (_, i) => i + 301).filter((status) => !FETCH_OWN.includes(status));
  const server = await serve(t, (response, { url }) => {
    const status = Number(url.split("=")[1]);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(status === 304 ? undefined : '{"error":{"message":"m","code":"c"}}');
  });
  for (const status of statuses) {
    const sent = server.seen.length;
    const asked = { url: `${server.url}/?status=${status}` };
    const error = errorOf(await generate(asked, { retries: NONE }), APIError);
    assert.equal(error.statusCode, status);
    assert.equal(server.seen.length, sent + 1);
  }
});

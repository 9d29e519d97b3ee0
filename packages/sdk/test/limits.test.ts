import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { UnexpectedClientError } from "../src/models/errors/index.ts";
import { ANSWER, errorOf, generate, successOf } from "./support/calls.ts";
import { json, serve } from "./support/server.ts";

const MiB = 1024 * 1024;

test("K-045 an answer of 96 MiB is read", async (t) => {
  const filler = "A".repeat(96 * MiB);
  const server = await serve(t, (response) => json(response, `{"data":[{"b64_json":"${filler}"}]}`));
  assert.equal(successOf(await generate(server)).data[0]?.b64Json?.length, 96 * MiB);
});

test("K-045 an answer that never ends is cut at maxResponseBytes, and its connection closed", {
  timeout: 20_000,
}, async (t) => {
  const chunk = Buffer.alloc(MiB, " ");
  let sent = 0;
  const server = await serve(t, (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const more = () => {
      while (!response.destroyed && response.write(chunk)) sent += MiB;
    };
    response.on("drain", more);
    more();
  });
  const error = errorOf(await generate(server, { maxResponseBytes: 8 * MiB }), UnexpectedClientError);
  assert.match(error.message, /maxResponseBytes, 8388608 bytes/);
  await server.seen[0]?.closed;
  assert.ok(sent < 64 * MiB, `${sent} bytes were sent`);
});

test("K-045 a content-length above the limit is refused before the body", { timeout: 20_000 }, async (t) => {
  const server = await serve(t, (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": String(1024 * MiB) });
    response.write("{");
  });
  errorOf(await generate(server, {}, { maxResponseBytes: MiB }), UnexpectedClientError);
  await server.seen[0]?.closed;
});

test("K-045 the limit counts decoded bytes", async (t) => {
  const bomb = gzipSync(Buffer.alloc(16 * MiB, " "));
  const server = await serve(t, (response) => {
    const headers = { "content-type": "application/json", "content-encoding": "gzip", "content-length": bomb.length };
    response.writeHead(200, headers).end(bomb);
  });
  errorOf(await generate(server, { maxResponseBytes: 4 * MiB }), UnexpectedClientError);
});

test("K-045 an answer of exactly the limit is read", async (t) => {
  const body = JSON.stringify(ANSWER);
  const server = await serve(t, (response) => json(response, body));
  successOf(await generate(server, { maxResponseBytes: body.length }));
  errorOf(await generate(server, { maxResponseBytes: body.length - 1 }), UnexpectedClientError);
});

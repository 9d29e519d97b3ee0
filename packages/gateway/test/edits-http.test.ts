import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, test } from "node:test";
import { ApiError } from "@atoma/contract";
import { uploadMemory } from "../src/generate/upload-memory.ts";
import { editsOf, failure, form, IMAGE, NO_EDITS, PATH, png, withImage } from "./support/edits.ts";
import { startWorld } from "./support/gateway.ts";

const world = await startWorld({ maxEditBodyBytes: 4096, editBodyTimeoutMs: 300 });
after(() => world[Symbol.asyncDispose]());
const { edit, raw } = editsOf(world);

test("S-060 S-062 without a key nothing of the body is read", async () => {
  const { status, headers } = await edit(new Uint8Array(8_000_000), { authorization: "" });
  assert.deepEqual([status, headers.get("www-authenticate")], [401, "Bearer"]);
  assert.equal((await edit("x", { authorization: "Bearer x", "content-type": "text/plain" })).status, 401);
});

test("S-066 S-065 S-067 preflight, other methods, and variations, which do not exist", async () => {
  const to = world.gateway.url;
  assert.equal((await fetch(to + PATH, { method: "OPTIONS" })).status, 204);
  const wrong = await world.get(PATH);
  assert.deepEqual([wrong.status, wrong.headers.get("allow")], [405, "POST, OPTIONS"]);
  const variations = await fetch(`${to}/v1/images/variations`, { method: "POST", body: form({ image: png }) });
  assert.equal(variations.status, 404);
  assert.deepEqual(await variations.json(), {
    error: failure(null, null, "Invalid URL (POST /v1/images/variations)"),
  });
});

test("S-069 S-074 other content types, and compressed bodies", async () => {
  for (const type of ["text/plain", "multipart/mixed; boundary=B", "multipart/form-datax; boundary=B", "image/png"]) {
    const { status, error, headers } = await raw("x", type);
    assert.deepEqual([status, error.code], [415, "unsupported_content_type"], type);
    assert.equal(headers.get("accept-post"), "multipart/form-data, application/json");
  }
  const zipped = await edit("x", { "content-type": "application/json", "content-encoding": "gzip" });
  assert.equal(zipped.status, 415);
});

async function send(...pieces: (string | Buffer)[]): Promise<string> {
  const socket = connect(world.gateway.port, "127.0.0.1");
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  socket.on("error", () => {});
  for (const piece of pieces) socket.write(piece);
  await once(socket, "close");
  return text;
}
const head = (lines: string) =>
  `POST ${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${world.key}\r\ncontent-type: multipart/form-data; boundary=B\r\n${lines}\r\n\r\n`;

test("S-070 a body of the limit is read; one byte more is refused, announced or not", async () => {
  const pad = (size: number) => {
    const body = withImage(IMAGE);
    return new Uint8Array(Buffer.concat([body, Buffer.alloc(size - body.length)]));
  };
  const type = { "content-type": "multipart/form-data; boundary=B" };
  assert.deepEqual((await edit(pad(4096), type)).error, NO_EDITS);
  const refused = await edit(pad(4097), type);
  assert.deepEqual([refused.status, refused.error.code], [413, "request_too_large"]);
  assert.match(await send(head("content-length: 1073741824"), "--B"), /^HTTP\/1\.1 413/);
  const chunk = `800\r\n${"x".repeat(2048)}\r\n`;
  assert.match(await send(head("transfer-encoding: chunked"), chunk, chunk, chunk), /^HTTP\/1\.1 413/);
});

test("S-071 a body that never ends: 408 at the deadline, and an account cannot hold all the memory meanwhile", async () => {
  const slow = () => send(head("content-length: 4096"), "--B\r\n");
  const answers = await Promise.all([slow(), slow(), slow()]);
  const statuses = answers.map((text) => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])).sort();
  assert.deepEqual(statuses, [408, 408, 429]);
  assert.deepEqual((await edit(withImage(IMAGE).toString("latin1"), { "content-type": "text/plain" })).status, 415);
  const type = { "content-type": "multipart/form-data; boundary=B" };
  assert.deepEqual((await edit(new Uint8Array(withImage(IMAGE)), type)).error, NO_EDITS);
});

test("S-072 S-073 too large headers and ambiguous framing", async () => {
  const large = `x-large: ${"a".repeat(70_000)}\r\ncontent-length: 0`;
  assert.match(await send(head(large)), /^HTTP\/1\.1 431/);
  const both = "content-length: 2\r\ntransfer-encoding: chunked";
  assert.match(await send(head(both), "0\r\n\r\n"), /^HTTP\/1\.1 400/);
  assert.match(await send(head("content-length: 2\r\ncontent-length: 3"), "{}"), /^HTTP\/1\.1 400/);
});

test("uploads hold a bounded amount of memory: an account's share, and all together", () => {
  const memory = uploadMemory(100);
  const refusedWith = (status: number, claim: () => unknown) =>
    assert.throws(claim, (error) => error instanceof ApiError && error.status === status);
  refusedWith(413, () => memory.claim("a", "101"));
  const claims = ["a", "a", "b"].map((account) => memory.claim(account, undefined));
  refusedWith(429, () => memory.claim("a", "1"));
  claims.push(memory.claim("b", "50"), memory.claim("c", "50"));
  refusedWith(503, () => memory.claim("c", "1"));
  for (const claim of claims) claim[Symbol.dispose]();
  memory.claim("a", "100")[Symbol.dispose]();
});

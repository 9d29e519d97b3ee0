import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fileName, parseFileName } from "../src/files/file-name.ts";
import { startWorld } from "./support/gateway.ts";

const world = await startWorld();
after(() => world[Symbol.asyncDispose]());

async function makeFile(): Promise<string> {
  const { json } = await world.generate({ response_format: "url" });
  return new URL(json.data[0].url).pathname;
}

const fetchFile = (path: string, init?: RequestInit) => fetch(world.gateway.url + path, init);

test("S-130 whole, range, HEAD and conditional requests", async () => {
  const path = await makeFile();
  const whole = Buffer.from((await world.get(path)).bytes);
  const part = await fetchFile(path, { headers: { range: "bytes=1-3" } });
  assert.deepEqual([part.status, part.headers.get("content-range")], [206, `bytes 1-3/${whole.length}`]);
  assert.deepEqual(Buffer.from(await part.arrayBuffer()), whole.subarray(1, 4));
  const tail = await fetchFile(path, { headers: { range: "bytes=-5" } });
  assert.deepEqual(Buffer.from(await tail.arrayBuffer()), whole.subarray(-5));
  const beyond = await fetchFile(path, { headers: { range: "bytes=999999-" } });
  assert.deepEqual([beyond.status, beyond.headers.get("content-range")], [416, `bytes */${whole.length}`]);
  const head = await fetchFile(path, { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("content-length")], [200, String(whole.length)]);
  const etag = head.headers.get("etag") ?? "";
  assert.equal((await fetchFile(path, { headers: { "if-none-match": etag } })).status, 304);
  assert.equal((await fetchFile(path, { headers: { "if-none-match": '"other"' } })).status, 200);
});

test("S-130 unknown, expired and travelling names", async () => {
  const path = await makeFile();
  const name = path.split("/").at(-1) ?? "";
  const status = async (n: string) => (await fetchFile(`/v1/images/files/${n}`)).status;
  assert.equal(await status(name.replace(/-./, (m) => (m === "-A" ? "-B" : "-A"))), 404);
  for (const bad of ["nope", "..%2f..%2fledger.db", "..%2Fledger.db", "%00.png", `${name}.part`, name.slice(1)]) {
    assert.equal(await status(bad), 404, bad);
  }
  assert.equal(await status(fileName(Date.now() - 1000, new Uint8Array(18), "png")), 410);
});

test("a name carries at least 128 random bits and reads back", () => {
  const name = fileName(1_800_000_000_000, new Uint8Array(18).fill(7), "webp");
  assert.deepEqual(parseFileName(name), { expiresAtMs: 1_800_000_000_000, format: "webp" });
  assert.throws(() => fileName(1, new Uint8Array(15), "png"), RangeError);
});

test("D-2 urls begin with what the client called, or with the operator's public origin", async () => {
  await using behind = await startWorld({ publicUrl: "https://pictures.example/" });
  const { json } = await behind.generate({ response_format: "url" });
  assert.ok(json.data[0].url.startsWith("https://pictures.example/v1/images/files/"));
  const local = await world.generate({ response_format: "url" });
  assert.equal(new URL(local.json.data[0].url).origin, world.gateway.url);
});

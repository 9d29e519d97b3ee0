import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { fileName, parseFileName } from "../src/files/file-name.ts";
import type { GatewayOptions } from "../src/index.ts";
import { startWorld, type World } from "./support/gateway.ts";
import { checkedFetch } from "./support/openapi.ts";
import { startS3Server } from "./support/s3-server.ts";

const server = await startS3Server();
after(() => server[Symbol.asyncDispose]());

async function makeFile(world: World): Promise<string> {
  const { json } = await world.generate({ response_format: "url" });
  return new URL(json.data[0].url).pathname;
}

const engines: Readonly<Record<string, Partial<GatewayOptions>>> = { disk: {}, s3: { s3: server.options } };

for (const [engine, options] of Object.entries(engines)) {
  describe(`picture files on ${engine}`, async () => {
    const world = await startWorld(options);
    after(() => world[Symbol.asyncDispose]());
    const fetchFile = (path: string, init?: RequestInit) => checkedFetch(world.gateway.url + path, init);

    test("S-130 whole, range, HEAD and conditional requests", async () => {
      const path = await makeFile(world);
      const whole = Buffer.from((await world.get(path)).bytes);
      const part = await fetchFile(path, { headers: { range: "bytes=1-3" } });
      assert.deepEqual([part.status, part.headers.get("content-range")], [206, `bytes 1-3/${whole.length}`]);
      assert.deepEqual(Buffer.from(await part.arrayBuffer()), whole.subarray(1, 4));
      const tail = await fetchFile(path, { headers: { range: "bytes=-5" } });
      assert.deepEqual(Buffer.from(await tail.arrayBuffer()), whole.subarray(-5));
      const rest = await fetchFile(path, { headers: { range: "bytes=3-999999" } });
      assert.deepEqual(Buffer.from(await rest.arrayBuffer()), whole.subarray(3));
      const head = await fetchFile(path, { method: "HEAD" });
      assert.deepEqual([head.status, head.headers.get("content-length")], [200, String(whole.length)]);
      assert.equal(head.headers.get("content-type"), "image/png");
      for (const range of ["bytes=1-3", "bytes=999999-"]) {
        const ranged = await fetchFile(path, { method: "HEAD", headers: { range } });
        assert.deepEqual([ranged.status, ranged.headers.get("content-length")], [200, String(whole.length)], range);
      }
      const etag = head.headers.get("etag") ?? "";
      for (const tag of [etag, `W/${etag}`, `"a", ${etag}`, "*"]) {
        const same = await fetchFile(path, { headers: { "if-none-match": tag, range: "bytes=0-1" } });
        assert.deepEqual([same.status, same.headers.get("etag"), await same.text()], [304, etag, ""], tag);
      }
      assert.equal((await fetchFile(path, { headers: { "if-none-match": '"other"' } })).status, 200);
      const changed = await fetchFile(path, { headers: { range: "bytes=0-1", "if-range": '"other"' } });
      assert.deepEqual([changed.status, (await changed.arrayBuffer()).byteLength], [200, whole.length]);
    });

    test("S-130 a range outside of the file: 416 with the file's size", async () => {
      const path = await makeFile(world);
      const { length } = (await world.get(path)).bytes;
      for (const range of ["bytes=999999-", "bytes=-0", `bytes=${length}-`]) {
        const beyond = await world.get(path, { range });
        assert.deepEqual([beyond.status, beyond.headers.get("content-range")], [416, `bytes */${length}`], range);
        assert.match(beyond.headers.get("content-type") ?? "", /^application\/json/);
      }
      for (const range of ["bytes=5-2", "bytes=", "bytes=-", "lines=1-2", "bytes=a-b", "bytes=0-1,3-4"]) {
        assert.equal((await world.get(path, { range })).status, 200, range);
      }
    });

    test("S-130 unknown, expired and travelling names", async () => {
      const path = await makeFile(world);
      const name = path.split("/").at(-1) ?? "";
      const get = (n: string) => world.get(`/v1/images/files/${n}`);
      assert.equal((await get(name.replace(/-./, (m) => (m === "-A" ? "-B" : "-A")))).status, 404);
      for (const bad of ["nope", "..%2f..%2fledger.db", "..%2Fledger.db", "%00.png", `${name}.part`, name.slice(1)]) {
        const { status, json } = await get(bad);
        assert.deepEqual([status, json.error.type, json.error.code], [404, "invalid_request_error", null], bad);
      }
      const expired = await get(fileName(Date.now() - 1000, new Uint8Array(18), "png"));
      assert.deepEqual([expired.status, expired.json.error.message], [410, "This file has expired."]);
    });

    test("a stored answer is sent again, pictures and all", async () => {
      for (const stream of [false, true]) {
        const again = { "idempotency-key": `again-${stream}` };
        const first = await world.generate({ stream, n: 2 }, again);
        const second = await world.generate({ stream, n: 2 }, again);
        assert.equal(second.headers.get("idempotent-replayed"), "true");
        assert.equal(second.text, first.text);
      }
    });
  });
}

test("a name carries at least 128 random bits and reads back", () => {
  const name = fileName(1_800_000_000_000, new Uint8Array(18).fill(7), "webp");
  assert.deepEqual(parseFileName(name), { expiresAtMs: 1_800_000_000_000, format: "webp" });
  assert.throws(() => fileName(1, new Uint8Array(15), "png"), RangeError);
});

test("D-2 urls begin with what the client called, or with the operator's public origin", async () => {
  await using behind = await startWorld({ publicUrl: "https://pictures.example/" });
  const { json } = await behind.generate({ response_format: "url" });
  assert.ok(json.data[0].url.startsWith("https://pictures.example/v1/images/files/"));
  await using plain = await startWorld();
  const local = await plain.generate({ response_format: "url" });
  assert.equal(new URL(local.json.data[0].url).origin, plain.gateway.url);
});

test("two gateways with one bucket: a picture of one is fetched from the other", async () => {
  await using one = await startWorld({ s3: server.options });
  await using two = await startWorld({ s3: server.options, ledger: one.ledger });
  const again = { "idempotency-key": "shared" };
  const made = await one.generate({ size: "512x512" }, again);
  const file = await two.get(new URL(made.json.data[0].url).pathname);
  assert.equal(Buffer.from(file.bytes).toString("base64"), made.json.data[0].b64_json);
  const replayed = await two.generate({ size: "512x512" }, { ...again, authorization: `Bearer ${one.key}` });
  assert.deepEqual([replayed.status, replayed.headers.get("idempotent-replayed")], [200, "true"]);
  assert.equal(replayed.json.data[0].b64_json, made.json.data[0].b64_json);
  assert.equal(two.node.requests.length, 0);
});

test("a bucket that is away: 503 before a node's picture is charged, and for the files in it", async () => {
  await using short = await startS3Server();
  await using world = await startWorld({ s3: short.options });
  const path = await makeFile(world);
  const before = await world.available();
  await short.kill();
  const refused = await world.generate();
  assert.deepEqual([refused.status, refused.json.error.code], [503, "overloaded"]);
  assert.ok(Number(refused.headers.get("retry-after")) >= 1);
  assert.deepEqual([await world.available(), await world.pending()], [before, 0]);
  assert.equal((await world.get(path)).status, 503);
  assert.equal((await world.generate({ response_format: "b64_json" })).status, 200, "which needs no file");
  assert.doesNotMatch(world.log.join(""), /S3RVER|AWS4-HMAC/);
});

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { crc32, deflateSync } from "node:zlib";
import { startWorld, type World } from "./support/gateway.ts";
import { finish, picture, writeEvent } from "./support/scripted-node.ts";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const MARKUP = Buffer.from("<html><script>alert(1)</script>");
const JOB = { n: 1, size: "64x64", output_format: "png", output_compression: 100, partial_images: 0 } as const;

function chunk(type: string, body: Uint8Array): Buffer {
  const framed = Buffer.alloc(12 + body.length);
  framed.writeUInt32BE(body.length, 0);
  framed.write(type, 4, "latin1");
  framed.set(body, 8);
  framed.writeUInt32BE(crc32(framed.subarray(4, 8 + body.length)), 8 + body.length);
  return framed;
}

/** A PNG with the right head, whatever its data is. */
function headed(data: Uint8Array): Buffer {
  const header = Buffer.from([0, 0, 0, 64, 0, 0, 0, 64, 8, 2, 0, 0, 0]);
  return Buffer.concat([SIGNATURE, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

function send(world: World, bytes: Uint8Array, format: "png" | "jpeg" | "webp" = "png"): void {
  world.node.behave = (_job, response) => {
    writeEvent(response, { type: "image", index: 0, bytes, seed: 1, width: 64, height: 64, format });
    finish(response);
  };
}

const LIES: Record<string, Uint8Array> = {
  "data that is no zlib stream": headed(randomBytes(400)),
  "data that inflates to 300 MB": headed(deflateSync(Buffer.alloc(300_000_000))),
  "no data": headed(Buffer.alloc(0)),
  "half a picture": (await picture(JOB, 1)).subarray(0, 150),
};

test("a picture that does not decode within the size of its head is an error, and costs nothing", async () => {
  await using world = await startWorld();
  const before = await world.available();
  for (const [name, bytes] of Object.entries(LIES)) {
    send(world, bytes);
    const { status, json } = await world.generate();
    assert.deepEqual([status, json.error.code], [500, "node_bad_response"], name);
  }
  for (const format of ["jpeg", "webp"] as const) {
    const whole = await picture({ ...JOB, output_format: format }, 1);
    send(world, whole.subarray(0, Math.floor(0.7 * whole.length)), format);
    assert.equal((await world.generate({ output_format: format })).json.error.code, "node_bad_response", format);
  }
  assert.deepEqual([await world.available(), await world.pending()], [before, 0]);
});

test("what follows a picture's end is not passed on, as base64, as a file, or under an idempotency key", async () => {
  await using world = await startWorld();
  for (const format of ["png", "jpeg", "webp"] as const) {
    const right = await picture({ ...JOB, output_format: format }, 1);
    send(world, Buffer.concat([right, MARKUP]), format);
    const { json } = await world.generate({ output_format: format });
    const [item] = json.data;
    assert.ok(Buffer.from(item.b64_json, "base64").equals(right), format);
    const file = await world.get(new URL(item.url).pathname);
    assert.ok(Buffer.from(file.bytes).equals(right), format);
  }
});

test("a trusted node's pictures are passed on without being decoded; their head is looked at all the same", async () => {
  await using world = await startWorld();
  await using trusting = await startWorld({ nodes: [{ name: "n", url: world.node.url, trusted: true }] });
  send(world, LIES["data that is no zlib stream"] ?? assert.fail());
  assert.equal((await world.generate()).status, 500);
  assert.equal((await trusting.generate()).status, 200);
  send(world, randomBytes(400));
  assert.equal((await trusting.generate()).json.error.code, "node_bad_response");
});

test("a format of the node's own invention names no file", async () => {
  await using world = await startWorld();
  const bytes = await picture(JOB, 1);
  world.node.behave = (_job, response) => {
    const odd = { type: "image", index: 0, bytes, seed: 1, width: 64, height: 64, format: "../../x" };
    // What no node of ours sends.
    writeEvent(response, odd as never);
    finish(response);
  };
  const { json } = await world.generate({ response_format: "url" });
  assert.match(json.data[0].url, /\/v1\/images\/files\/[0-9a-z]+-[0-9A-Za-z_-]+\.png$/);
});

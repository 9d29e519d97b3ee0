import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { eventually, startWorld, type World } from "./support/gateway.ts";
import { manualClock } from "./support/manual-clock.ts";
import { paddedPicture } from "./support/padded-picture.ts";
import { finish, writeEvent } from "./support/scripted-node.ts";

/** More than the buffers of two sockets take in. */
const PICTURE = paddedPicture(24 * 2 ** 20);
const FIELDS = { model: "scripted", prompt: "p", response_format: "b64_json" };

function sendPictures(world: World): void {
  world.node.behave = (_job, response) => {
    writeEvent(response, { type: "image", index: 0, bytes: PICTURE, seed: 1, width: 64, height: 64, format: "png" });
    finish(response);
  };
}

/** Asks for a picture and reads nothing of the answer but its head. */
async function ask(
  world: World,
  headers: Record<string, string> = {},
  fields: object = FIELDS,
): Promise<IncomingMessage> {
  const asking = request(`${world.gateway.url}/v1/images/generations`, {
    method: "POST",
    headers: { authorization: `Bearer ${world.key}`, "content-type": "application/json", ...headers },
  });
  asking.on("error", () => {}).end(JSON.stringify(fields));
  const [response] = (await once(asking, "response")) as [IncomingMessage];
  response.on("error", () => {});
  return response;
}

async function readPicture(response: IncomingMessage): Promise<Buffer> {
  const text = Buffer.concat(await response.toArray()).toString();
  return Buffer.from(JSON.parse(text).data[0].b64_json, "base64");
}

test("answers that nobody reads wait in files, whole, and are sent from there when they are read", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "atoma-slow-"));
  t.after(() => rm(folder, { recursive: true }));
  await using world = await startWorld({ pictureMemoryBytes: 2 * PICTURE.length, filesDir: folder });
  sendPictures(world);
  const responses: IncomingMessage[] = [];
  for (let i = 0; i < 5; i++) responses.push(await ask(world));
  assert.deepEqual(new Set(responses.map(({ statusCode }) => statusCode)), new Set([200]));
  const stored = async () => (await readdir(folder)).filter((name) => name.endsWith(".png")).length;
  await eventually(async () => (await stored()) >= 3);
  for (const response of responses) assert.ok((await readPicture(response)).equals(PICTURE));
  // None of them has to be fetched again.
  await eventually(async () => (await stored()) === 0);
  assert.equal(await world.pending(), 0);
});

test("a reader that stands still is cut off; its picture is charged, and its key fetches it", async () => {
  const clock = manualClock();
  await using world = await startWorld({ clock });
  sendPictures(world);
  const before = await world.available();
  const headers = { "idempotency-key": "k1" };
  const stalled = await ask(world, headers);
  await eventually(() => stalled.socket.bytesRead > 0);
  await clock.advance(29_000);
  assert.equal(stalled.destroyed, false);
  await clock.advance(31_000);
  await assert.rejects(readPicture(stalled));
  assert.equal(before - (await world.available()), 64 * 64);
  const again = await ask(world, headers);
  assert.equal(again.headers["idempotent-replayed"], "true");
  assert.ok((await readPicture(again)).equals(PICTURE));
  assert.equal(before - (await world.available()), 64 * 64);
});

test("a stream of events that nobody reads is cut off as well", async () => {
  const clock = manualClock();
  await using world = await startWorld({ clock });
  sendPictures(world);
  const stalled = await ask(world, {}, { model: "scripted", prompt: "p", stream: true });
  await eventually(() => stalled.socket.bytesRead > 0);
  await clock.advance(61_000);
  await assert.rejects(stalled.toArray());
});

test("S-085 a key's request counts until its answer has left", async () => {
  await using world = await startWorld();
  sendPictures(world);
  const { key } = await world.ledger.createKey({
    accountId: world.accountId,
    name: "one",
    limits: { concurrentRequests: 1 },
  });
  const headers = { authorization: `Bearer ${key}` };
  const first = await ask(world, headers);
  assert.equal(first.statusCode, 200);
  assert.equal(await world.pending(), 0, "it is charged");
  for (const more of [{}, { "idempotency-key": "k" }]) {
    const refused = await world.generate({}, { ...headers, ...more });
    assert.deepEqual([refused.status, refused.headers.get("x-ratelimit-limit-concurrency")], [429, "1"]);
  }
  assert.equal(await world.pending(), 0);
  await readPicture(first);
  assert.equal((await world.generate(FIELDS, headers)).status, 200);
});

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ApiError, type GenerationEvent } from "@atoma/contract";
import { decodeMultiple } from "cbor-x";
import sharp from "sharp";
import type { RunningNode } from "../src/index.ts";
import { uploadRoom } from "../src/upload-room.ts";
import { type Envelope, json, loadedNode, NATIVE_PIXELS, post, untilLoad } from "./support.ts";

const PATH = "/v1/images/edits";
const CBOR = "application/cbor-seq";
let node: RunningNode & AsyncDisposable;
let picture: Uint8Array;
before(async () => {
  node = await loadedNode({ concurrency: 1 });
  const made = await json<Answer>(await post(node, { seed: 1, steps: 4 }));
  picture = Buffer.from(made.data[0]?.b64_json ?? "", "base64");
});
after(() => node.close(0));

interface Answer {
  readonly data: readonly { readonly b64_json: string; readonly seed: number }[];
  readonly size: string;
  readonly usage: {
    readonly total_tokens: number;
    readonly input_tokens: number;
    readonly input_tokens_details: { readonly text_tokens: number; readonly image_tokens: number };
  };
}

function form(fields: Readonly<Record<string, string | undefined>> = {}, bytes = picture): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries({ prompt: "a blue circle", seed: "7", steps: "5", ...fields })) {
    if (value !== undefined) data.append(name, value);
  }
  data.append("image", new Blob([new Uint8Array(bytes)], { type: "image/png" }), "in.png");
  return data;
}

const edit = (body: NonNullable<RequestInit["body"]>, headers: Record<string, string> = {}, to: RunningNode = node) =>
  fetch(to.url + PATH, { method: "POST", body, headers });

async function refused(response: Response, status: number, code: string | null): Promise<void> {
  const { error } = await json<Envelope>(response);
  assert.deepEqual([response.status, error.code], [status, code]);
}

async function eventsOf(response: Response): Promise<GenerationEvent[]> {
  assert.equal(response.headers.get("content-type"), CBOR);
  const decoded: unknown = decodeMultiple(Buffer.from(await response.arrayBuffer()));
  assert.ok(Array.isArray(decoded));
  return decoded;
}

test("the same edit comes in JSON, CBOR and SSE, of the picture's size, and counts it as input", async () => {
  const answer = await json<Answer>(await edit(form()));
  const [image] = answer.data;
  assert.deepEqual([answer.size, answer.data.length, image?.seed], ["256x256", 1, 7]);
  const { total_tokens, input_tokens, input_tokens_details } = answer.usage;
  assert.equal(input_tokens_details.image_tokens, 256);
  assert.equal(input_tokens, input_tokens_details.text_tokens + 256);
  assert.equal(total_tokens, input_tokens + 256);

  const events = await eventsOf(await edit(form({ partial_images: "1" }), { accept: CBOR }));
  // Of 5 steps at strength 0.85 a flow-matching model skips none: ⌊5 − 5 · 0.85⌋.
  const progress = (step: number) => ({ type: "progress", index: 0, step, steps: 5 });
  assert.deepEqual(
    events.filter(({ type }) => type === "progress"),
    [1, 2, 3, 4, 5].map(progress),
  );
  assert.equal(events.filter(({ type }) => type === "partial").length, 1);
  const made = events.find((event) => event.type === "image");
  assert.equal(made && Buffer.from(made.bytes).toString("base64"), image?.b64_json);

  const stream = await (await edit(form({ stream: "true", n: "2" }))).text();
  const completed = stream.split("\n\n").filter((block) => block.startsWith("event: image_edit.completed\n"));
  const usages = completed.map((block) => JSON.parse(block.slice(block.indexOf("{"))).usage);
  assert.ok(completed[0]?.includes(`"b64_json":"${image?.b64_json}"`));
  assert.deepEqual(
    usages.map((usage) => usage.input_tokens_details.image_tokens),
    [256, 0],
  );
  assert.equal(usages[1].total_tokens, 256);
});

/** A photo of 256 × 512 as it is seen, upper half black, lower half white, stored as 512 × 256 with orientation 6. */
async function turnedPhoto(): Promise<Buffer> {
  const white = { create: { width: 256, height: 256, channels: 3 as const, background: "white" } };
  const seen = sharp({ create: { width: 256, height: 512, channels: 3, background: "black" } });
  const upright = await seen
    .composite([{ input: white, left: 0, top: 256 }])
    .png()
    .toBuffer();
  return sharp(upright).rotate(270).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer();
}

test("a photo with an EXIF orientation is edited as it is seen: size, mask, tokens, and an upright answer", async () => {
  const photo = await turnedPhoto();
  const data = new FormData();
  for (const [name, value] of Object.entries({ prompt: "a blue circle", seed: "7", steps: "2" }))
    data.append(name, value);
  data.append("image", new Blob([new Uint8Array(photo)], { type: "image/jpeg" }), "photo.jpg");
  // The mask is drawn on the picture as it is seen; only its lowest quarter is to be painted.
  const mask = await sharp({ create: { width: 256, height: 384, channels: 4, background: "black" } })
    .extend({ bottom: 128, background: { r: 0, g: 0, b: 0, alpha: 0 } })
    .png()
    .toBuffer();
  data.append("mask", new Blob([new Uint8Array(mask)], { type: "image/png" }), "mask.png");
  const answer = await json<Answer>(await edit(data));
  assert.deepEqual([answer.size, answer.usage.input_tokens_details.image_tokens], ["256x512", 512]);
  const made = Buffer.from(answer.data[0]?.b64_json ?? "", "base64");
  const { width, height, orientation } = await sharp(made).metadata();
  assert.deepEqual([width, height, orientation], [256, 512, undefined]);
  const { data: pixels } = await sharp(made).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => pixels[3 * (y * 256 + x)] ?? 128;
  assert.ok(at(128, 100) < 16 && at(20, 20) < 16 && at(128, 300) > 240, "what the mask keeps is the photo, upright");
});

test("an edit waits in line, is counted by the steps that it runs, and is cancelled when its caller leaves", async () => {
  const leaving = new AbortController();
  const headers = { accept: CBOR };
  const body = form({ n: "10", steps: "100" });
  const running = fetch(node.url + PATH, { method: "POST", body, headers, signal: leaving.signal });
  const { pending_pixel_steps: pending } = await untilLoad(node, (load) => load.running === 1);
  assert.ok(pending <= 10 * NATIVE_PIXELS * 85 && pending > 9 * NATIVE_PIXELS * 85, String(pending));
  const waiting = edit(form());
  await untilLoad(node, (load) => load.queued === 1);
  await running;
  leaving.abort();
  assert.equal((await waiting).status, 200);
  await untilLoad(node, (load) => load.running === 0 && load.pending_pixel_steps === 0);
});

test("a gateway that sends the same edit again under its id gets the same run; another picture is refused", async () => {
  const headers = { accept: CBOR, "x-request-id": "edit-1" };
  // Made anew it would get another seed.
  const unseeded = { seed: undefined };
  const first = await eventsOf(await edit(form(unseeded), headers));
  const again = await eventsOf(await edit(form(unseeded), headers));
  assert.deepEqual(again, first);
  await refused(
    await edit(form(unseeded, Buffer.concat([picture, Buffer.alloc(1)])), headers),
    422,
    "request_id_reused",
  );
});

test("what is refused before a picture is looked at", async () => {
  await refused(await edit("x", { "content-type": "text/plain" }), 415, "unsupported_content_type");
  const accepted = (await edit("x", { "content-type": "text/plain" })).headers.get("accept-post");
  assert.equal(accepted, "multipart/form-data, application/json");
  await refused(await edit("{", { "content-type": "application/json" }), 400, null);
  await refused(
    await edit(new Uint8Array(65 * 2 ** 20), { "content-type": "multipart/form-data; boundary=B" }),
    413,
    "request_too_large",
  );
  const wrong = await fetch(node.url + PATH);
  assert.deepEqual([wrong.status, wrong.headers.get("allow")], [405, "POST"]);
  await using guarded = await loadedNode({ token: "sesame" });
  assert.equal((await edit(form(), {}, guarded)).status, 401);
  assert.equal((await edit(form({ steps: "1" }), { authorization: "Bearer sesame" }, guarded)).status, 200);
});

test("the generations' body limit stays what it was", async () => {
  await refused(await post(node, { prompt: "x".repeat(300_000) }), 413, "request_too_large");
});

test("uploads hold a bounded amount of memory", () => {
  const room = uploadRoom(100, 2);
  const refusedWith = (status: number, take: () => unknown) =>
    assert.throws(take, (error) => error instanceof ApiError && error.status === status);
  refusedWith(413, () => room.take("101"));
  const give = room.take(undefined);
  room.take("60");
  refusedWith(503, () => room.take("41"));
  give();
  give();
  room.take("100")();
  room.take("100");
  refusedWith(503, () => room.take("41"));
});

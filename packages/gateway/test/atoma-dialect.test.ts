import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { GenerationEvent } from "@atoma/contract";
import { Encoder } from "cbor-x";
import sharp from "sharp";
import { atoma } from "../src/dialects/atoma.ts";
import type { AnswerEvent } from "../src/dialects/dialect.ts";
import { startWorld } from "./support/gateway.ts";
import { finish, writeEvent } from "./support/scripted-node.ts";

const encoder = new Encoder({ useRecords: false, tagUint8Array: false });

async function decode(bytes: Uint8Array, width: number): Promise<GenerationEvent[]> {
  // The dialect reads no field of the job, nor of the assignment.
  const reader = atoma.reader(undefined as never, undefined as never);
  const events: GenerationEvent[] = [];
  const add = (more: Iterable<AnswerEvent>) => {
    for (const event of more) if (event.type !== "url") events.push(event);
  };
  for (let at = 0; at < bytes.length; at += width) add(reader.push(bytes.subarray(at, at + width)));
  add(reader.end());
  return events;
}

const image = (index: number, bytes: Uint8Array) =>
  ({ type: "image", index, bytes, seed: index, width: 1, height: 1, format: "png" }) as const;

test("events come whole, once and in order, however the bytes are cut", async () => {
  const events = [
    { type: "progress", index: 0, step: 1, steps: 2 } as const,
    image(0, randomBytes(300)),
    image(1, randomBytes(700)),
    { type: "done" } as const,
  ];
  const bytes = Buffer.concat(events.map((event) => encoder.encode(event)));
  for (let width = 1; width <= bytes.length; width += width < 40 ? 1 : 37) {
    const decoded = await decode(bytes, width);
    assert.deepEqual(
      decoded.map((e) => e.type),
      ["progress", "image", "image", "done"],
      `width ${width}`,
    );
    for (const [i, event] of decoded.entries()) {
      const sent = events[i];
      if (event.type === "image" && sent?.type === "image") assert.ok(Buffer.from(event.bytes).equals(sent.bytes));
    }
  }
});

test("a truncated sequence and foreign items are no answer", async () => {
  const bytes = encoder.encode(image(0, randomBytes(100)));
  await assert.rejects(decode(bytes.subarray(0, -1), 10), /truncated/);
  for (const item of [
    { type: "image", index: 0 },
    { type: "image", index: 0, bytes, seed: null },
    5,
    "x",
    { type: "?" },
  ]) {
    await assert.rejects(decode(encoder.encode(item), 10), /not a generation event/);
  }
  await assert.rejects(decode(encoder.encode({ type: "done", usage: "lots" }), 10), /not a generation event/);
});

test("several large pictures arrive, in JSON and in a stream; more than was ordered do not", async () => {
  await using world = await startWorld();
  const size = { width: 256, height: 256 };
  const noise = await sharp(randomBytes(256 * 256 * 3), { raw: { ...size, channels: 3 } })
    .png()
    .toBuffer();
  world.node.behave = (job, response) => {
    for (let index = 0; index < job.n; index++) {
      writeEvent(response, { type: "progress", index, step: 1, steps: 1 });
      writeEvent(response, { type: "image", index, bytes: noise, seed: index, ...size, format: "png" });
    }
    finish(response);
  };
  const { json } = await world.generate({ n: 3, size: "256x256", response_format: "b64_json" });
  assert.equal(json.data.length, 3);
  for (const item of json.data) assert.ok(Buffer.from(item.b64_json, "base64").equals(noise));
  const { text } = await world.generate(
    { n: 2, size: "256x256", stream: true },
    { accept: "text/event-stream; progress=1" },
  );
  assert.deepEqual(
    [...text.matchAll(/^event: (.*)$/gm)].map((match) => match[1]),
    [
      "image_generation.progress",
      "image_generation.progress",
      "image_generation.completed",
      "image_generation.completed",
    ],
  );

  world.node.behave = (_job, response) => {
    for (let index = 0; index < 2; index++) {
      writeEvent(response, { type: "image", index, bytes: noise, seed: index, ...size, format: "png" });
    }
    finish(response);
  };
  assert.equal((await world.generate({ size: "256x256" })).json.error.code, "node_bad_response");
});

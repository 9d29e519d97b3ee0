import assert from "node:assert/strict";
import { test } from "node:test";
import { type GenerationEvent, type ImageJob, parseImageRequest } from "@atoma/contract";
import OpenAI from "openai";
import type { AnswerEvent } from "../src/dialects/dialect.ts";
import { eventStreamReader } from "../src/dialects/event-stream.ts";
import { openai } from "../src/dialects/openai.ts";
import { readForeignModel } from "../src/nodes/describe-model.ts";
import { create, form } from "./support/edits.ts";
import { startPair } from "./support/foreign-faults.ts";

const size = "1024x1024";
const png = await create(1024, 1024).png().toBuffer();
const base64 = png.toString("base64");
const attempt = { model: "gpt-image-1", seed: 1 };

function job(fields: Record<string, unknown> = {}): ImageJob {
  const { card } = readForeignModel({ id: "m" }, "openai");
  const body = { model: "m", prompt: "p", size, stream: true, partial_images: 2, ...fields };
  return parseImageRequest(body, { findModel: () => card });
}

function* inChunks(text: string, size = text.length): Generator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(text: string, one = job(), size?: number): Promise<GenerationEvent[]> {
  const reader = openai.reader(one, attempt);
  const events: AnswerEvent[] = [];
  for (const chunk of inChunks(text, size)) events.push(...reader.push(chunk));
  events.push(...reader.end());
  return events.filter((event) => event.type !== "url");
}

const tell = (event: object, end = "\n") => `event: x${end}data: ${JSON.stringify(event)}${end}${end}`;
const partial = (i: number) => ({ type: "image_generation.partial_image", partial_image_index: i, b64_json: base64 });
const usage = {
  total_tokens: 5,
  input_tokens: 2,
  output_tokens: 3,
  input_tokens_details: { text_tokens: 2, image_tokens: 0 },
};
const completed = { type: "image_generation.completed", b64_json: base64, usage };

test("a stream is asked for where previews are wanted, of models that can, for one picture", () => {
  const asked = (fields: object, model = "gpt-image-1") => {
    const { stream, partial_images } = JSON.parse(
      openai.request(job({ ...fields }), { ...attempt, model }).body as string,
    );
    return [stream, partial_images];
  };
  assert.deepEqual(asked({}), [true, 2]);
  assert.deepEqual(asked({}, "chatgpt-image-latest"), [true, 2]);
  for (const fields of [{ partial_images: 0 }, { stream: false }, { n: 2 }])
    assert.deepEqual(asked(fields), [undefined, undefined]);
  assert.deepEqual(asked({}, "dall-e-3"), [undefined, undefined]);
});

test("previews, the picture and its usage, however the bytes are cut and lines end", async () => {
  for (const end of ["\n", "\r\n"]) {
    const text = `: hello${end}${end}${[partial(0), partial(1), completed].map((event) => tell(event, end)).join("")}`;
    for (const size of [undefined, 1021, 64 * 1024]) {
      const events = await collect(text, job(), size);
      assert.deepEqual(
        events.map(({ type }) => type),
        ["partial", "partial", "image", "done"],
      );
      const [first, , image, done] = events;
      assert.ok(first?.type === "partial" && first.partial === 0 && png.equals(first.bytes));
      assert.ok(image?.type === "image" && image.width === 1024 && image.format === "png" && png.equals(image.bytes));
      assert.deepEqual(done, { type: "done", usage });
    }
  }
});

test("previews beyond those that were asked for, and events that nobody knows, are left out", async () => {
  const others = [partial(2), partial(-1), { type: "image_generation.partial_image" }, { type: "response.created" }];
  const events = await collect([...others, completed].map((event) => tell(event)).join(""));
  assert.deepEqual(
    events.map(({ type }) => type),
    ["image", "done"],
  );
});

test("who answers a request for a stream with JSON is understood", async () => {
  const events = await collect(JSON.stringify({ created: 1, data: [{ b64_json: base64 }], usage }));
  assert.deepEqual(
    events.map(({ type }) => type),
    ["image", "done"],
  );
});

test("what is no such stream is an error, without the stream's words", async () => {
  const wrong: [string, RegExp | object][] = [
    [tell({ type: "error", error: { code: "server_error", message: "secret" } }), /tells of an error/],
    [tell({ error: { code: "moderation_blocked", message: "secret" } }), { status: 400, code: "moderation_blocked" }],
    ["data: secret\n\n", /not JSON/],
    ["data: 5\n\n", /no object/],
    [tell({ ...completed, b64_json: "!!" }), /not base64/],
    [tell({ ...completed, b64_json: Buffer.from("secret").toString("base64") }), /no picture/],
    [tell(completed).slice(0, -20), { name: "CutOffError" }],
    [`data: ${"x".repeat(13 * 2 ** 20)}`, /too large/],
  ];
  for (const [text, expected] of wrong) {
    await assert.rejects(collect(text, job(), 2 ** 20), (error: Error) => {
      assert.doesNotMatch(error.message, /secret/);
      if (expected instanceof RegExp) assert.match(error.message, expected);
      else assert.partialDeepStrictEqual({ ...error, name: error.name }, expected);
      return true;
    });
  }
  // Without a picture there is no `done`: whoever counts finds that out.
  assert.deepEqual(await collect(tell(partial(0)), job(), undefined).then((all) => all.map(({ type }) => type)), [
    "partial",
  ]);
  assert.deepEqual(await collect("data: [DONE]\n\n"), []);
});

test("events of several lines, and after [DONE] nothing", async () => {
  const read: string[] = [];
  const text = 'data: {"a":\ndata: 1}\nid: 4\n\nretry: 5\n\ndata:x\n\ndata: [DONE]\n\ndata: late\n\n';
  const reader = eventStreamReader(100);
  for (const chunk of inChunks(text, 3)) read.push(...reader.push(chunk));
  reader.end();
  assert.deepEqual(read, ['{"a":\n1}', "x"]);
});

test("S-100 a client of a gateway before OpenAI sees its previews, of generations and edits; charged once", async () => {
  await using pair = await startPair("openai", {}, { edits: true });
  const { world, server } = pair;
  const client = new OpenAI({ apiKey: world.key, baseURL: `${world.gateway.url}/v1`, maxRetries: 0 });
  const before = await world.available();
  const image = await OpenAI.toFile(await create(64, 64).png().toBuffer(), "in.png", { type: "image/png" });
  const common = { model: "scripted", prompt: "p", size, stream: true, partial_images: 3 } as const;
  for (const [stream, operation] of [
    [await client.images.generate(common), "image_generation"],
    [await client.images.edit({ ...common, image }), "image_edit"],
  ] as const) {
    const types: string[] = [];
    for await (const event of stream) types.push(event.type);
    const previews = Array(3).fill(`${operation}.partial_image`);
    assert.deepEqual(types, [...previews, `${operation}.completed`]);
  }
  assert.equal(server.requests.length, 2);
  assert.equal(before - (await world.available()), 2 * 1024 * 1024);
});

test("S-105 S-106 a stream that breaks off or turns bad after a preview: an error event, nothing charged, nothing again", async () => {
  await using pair = await startPair("openai");
  const { world, server } = pair;
  const before = await world.available();
  const jpeg = (await create(1024, 1024).jpeg().toBuffer()).toString("base64");
  const ends: ((text: string) => string)[] = [
    (text) => text,
    (text) => text + tell(completed).slice(0, 1000),
    (text) => text + tell({ error: { code: "server_error", message: "secret" } }),
    (text) => text + tell({ ...completed, b64_json: jpeg }),
  ];
  for (const end of ends) {
    const asked = server.requests.length;
    server.fault = (response) => void response.writeHead(200).end(end(tell(partial(0))));
    const { text, status } = await world.generate({ size, stream: true, partial_images: 1 });
    assert.equal(status, 200);
    const names = [...text.matchAll(/^event: (.*)$/gm)].map(([, name]) => name);
    assert.deepEqual(names, ["image_generation.partial_image", "error"]);
    assert.match(text, /"code":"node_bad_response"/);
    assert.doesNotMatch(text, /secret/);
    assert.equal(server.requests.length, asked + 1);
  }
  assert.deepEqual([await world.available(), await world.pending()], [before, 0]);
});

test("a form of one picture has a part `image`, of more `image[]`", async () => {
  await using pair = await startPair("openai", {}, { edits: true });
  const body = form({ image: await create(64, 64).png().toBuffer() });
  assert.equal((await pair.world.edit(body)).status, 200);
  assert.equal(pair.server.requests[0]?.images.length, 1);
});

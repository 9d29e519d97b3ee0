import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { GenerationEvent } from "@atoma/contract";
import { decodeMultiple } from "cbor-x";
import { jsonAnswer } from "../src/answers/json-answer.ts";
import type { RunningNode } from "../src/index.ts";
import { json, loadedNode, MODEL, post } from "./support.ts";

let node: RunningNode & AsyncDisposable;
before(async () => {
  // A process that was killed has as long to load again as a busy machine needs.
  node = await loadedNode({ deadlines: { startMs: 60_000 } });
});
after(() => node.close(0));

const CBOR = { accept: "application/cbor-seq" };
const PNG = "89504e470d0a1a0a";

interface Answer {
  readonly created: number;
  readonly data: readonly { readonly b64_json: string; readonly seed: number; readonly url?: string }[];
  readonly usage: { readonly total_tokens: number; readonly input_tokens: number; readonly output_tokens: number };
  readonly size: string;
  readonly output_format: string;
}

async function events(response: Response): Promise<GenerationEvent[]> {
  const decoded: unknown = decodeMultiple(Buffer.from(await response.arrayBuffer()));
  assert.ok(Array.isArray(decoded));
  return decoded;
}

test("JSON is OpenAI's answer", async () => {
  const response = await post(node, { n: 2, seed: 9, size: "512x512" });
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
  assert.match(response.headers.get("x-request-id") ?? "", /^req_[0-9a-f]{32}$/);
  const text = await response.text();
  assert.equal(response.headers.get("content-length"), String(Buffer.byteLength(text)));
  // Read as the client reads it; every field used is asserted.
  const answer = JSON.parse(text) as Answer;
  assert.ok(Number.isInteger(answer.created) && Math.abs(answer.created - Date.now() / 1000) < 60);
  assert.deepEqual([answer.size, answer.output_format], ["512x512", "png"]);
  assert.deepEqual(
    answer.data.map(({ seed, url }) => [seed, url]),
    [
      [9, undefined],
      [10, undefined],
    ],
  );
  for (const { b64_json } of answer.data) {
    assert.match(b64_json, /^[A-Za-z0-9+/]+=*$/);
    assert.equal(Buffer.from(b64_json, "base64").toString("hex", 0, 8), PNG);
  }
  assert.equal(answer.usage.output_tokens, 2 * 32 * 32);
  assert.equal(answer.usage.total_tokens, answer.usage.input_tokens + answer.usage.output_tokens);
});

test("base64 made in pieces is base64, at every length", () => {
  const job = { background: "opaque", outputFormat: "png", quality: "medium", width: 1, height: 1 };
  for (const length of [1, 2, 3, 196_607, 196_608, 196_609, 500_000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7) % 256);
    const image = { index: 0, bytes, seed: undefined, width: 1, height: 1, format: "png" } as const;
    // jsonAnswer reads these fields of a job only.
    const answer = jsonAnswer(
      job as Parameters<typeof jsonAnswer>[0],
      [image, image],
      { usage: undefined, notes: { truncated_prompt: "é 日本" } },
      new Date(0),
    );
    const text = [...answer.body()].join("");
    assert.equal(Buffer.byteLength(text), answer.length);
    const expected = Buffer.from(bytes).toString("base64");
    assert.deepEqual(JSON.parse(text).data, [{ b64_json: expected }, { b64_json: expected }]);
  }
});

test("a CBOR sequence carries the events, pictures as bytes", async () => {
  const response = await post(node, { steps: 4, partial_images: 1, seed: 9, n: 2 }, { headers: CBOR });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/cbor-seq");
  const all = await events(response);
  // Pictures of one job may take their steps in one run: then their events come by turns.
  for (const index of [0, 1]) {
    const types = all.filter((event) => "index" in event && event.index === index).map((event) => event.type);
    assert.deepEqual(types.toSorted(), ["image", "partial", "progress", "progress", "progress", "progress"]);
    assert.equal(types.at(-1), "image");
  }
  assert.deepEqual([all.length, all.at(-1)?.type], [13, "done"]);
  const images = all.filter((event) => event.type === "image");
  for (const [index, image] of images.entries()) {
    assert.ok(image.bytes instanceof Uint8Array);
    assert.equal(Buffer.from(image.bytes).toString("hex", 0, 8), PNG);
    const { type, bytes, ...rest } = image;
    assert.deepEqual(rest, { index, seed: 9 + index, width: 256, height: 256, format: "png" });
  }
});

test("the CBOR is plain: maps of text keys and untagged byte strings", async () => {
  const response = await post(node, { steps: 1, seed: 1 }, { headers: CBOR });
  const bytes = Buffer.from(await response.arrayBuffer());
  // Major type 5 (map) begins each item; after the key "bytes" major type 2 (byte string) follows, not 6 (tag).
  assert.equal((bytes[0] ?? 0) >> 5, 5);
  const key = bytes.indexOf(Buffer.from("\x65bytes", "latin1"));
  assert.ok(key > 0);
  assert.equal((bytes[key + 6] ?? 0) >> 5, 2);
});

test("the same picture comes in JSON, CBOR and SSE", async () => {
  const answer = await json<Answer>(await post(node, { seed: 77 }));
  const [image] = (await events(await post(node, { seed: 77 }, { headers: CBOR }))).filter((e) => e.type === "image");
  assert.ok(image?.type === "image");
  const base64 = Buffer.from(image.bytes).toString("base64");
  assert.equal(answer.data[0]?.b64_json, base64);
  const stream = await (await post(node, { seed: 77, stream: true })).text();
  assert.ok(stream.includes(`"b64_json":"${base64}"`));
});

test("a stream is server-sent events: previews, then one completed for each picture", async () => {
  const response = await post(node, {
    stream: true,
    partial_images: 2,
    steps: 6,
    n: 2,
    seed: 5,
    output_format: "jpeg",
  });
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  assert.equal(response.headers.get("content-length"), null);
  const messages = (await response.text())
    .split("\n\n")
    .filter((block) => block.startsWith("event:"))
    .map((block) => {
      const match = /^event: (.*)\ndata: (.*)$/.exec(block);
      const data = JSON.parse(match?.[2] ?? "null");
      assert.equal(data.type, match?.[1]);
      return data;
    });
  // Pictures that take their steps in one run send their previews by turns.
  const previews = messages.slice(0, 4).map((m) => [m.type, m.partial_image_index]);
  const partial = (index: number) => ["image_generation.partial_image", index];
  assert.deepEqual(previews.sort(), [partial(0), partial(0), partial(1), partial(1)]);
  const completed = ["image_generation.completed", undefined];
  assert.deepEqual(
    messages.slice(4).map((m) => [m.type, m.partial_image_index]),
    [completed, completed],
  );
  for (const message of messages) {
    assert.equal(Buffer.from(message.b64_json, "base64").toString("hex", 0, 3), "ffd8ff");
    assert.deepEqual([message.size, message.output_format, message.background], ["256x256", "jpeg", "opaque"]);
    assert.ok(Number.isInteger(message.created_at));
  }
  const [first, second] = messages.slice(-2);
  assert.equal(first.usage.total_tokens, first.usage.input_tokens + 256);
  assert.equal(second.usage.total_tokens, 256);
});

test("a model is found by its id, and by none where there is just one", async () => {
  assert.equal((await post(node, { model: MODEL })).status, 200);
  assert.equal((await post(node)).status, 200);
});

test("a stream that breaks off ends with an error event", async () => {
  const slow = { steps: 100, n: 10 };
  const kill = () => {
    for (const pid of node.modelPids) process.kill(pid, "SIGKILL");
  };
  for (const [body, headers] of [
    [slow, CBOR],
    [{ ...slow, stream: true }, {}],
  ] as const) {
    const response = await post(node, body, { headers });
    assert.equal(response.status, 200, "headers come with the first event");
    kill();
    const bytes = Buffer.from(await response.arrayBuffer());
    const message = "The model process failed while making the picture.";
    if (headers === CBOR) {
      const decoded: unknown = decodeMultiple(bytes);
      assert.ok(Array.isArray(decoded));
      assert.deepEqual(decoded.at(-1), { type: "error", code: "generation_failed", message });
    } else {
      const error = { message, type: "server_error", param: null, code: "generation_failed" };
      assert.ok(bytes.toString().endsWith(`event: error\ndata: ${JSON.stringify({ type: "error", error })}\n\n`));
    }
    assert.equal((await post(node)).status, 200, "the next request waits for the restart and gets its picture");
  }
});

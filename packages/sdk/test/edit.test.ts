import assert from "node:assert/strict";
import { test } from "node:test";
import { imagesEdit } from "../src/funcs/imagesEdit.ts";
import { imagesEditStream } from "../src/funcs/imagesEditStream.ts";
import { AtomaSDK } from "../src/index.ts";
import type { EditImageRequest } from "../src/models/components/index.ts";
import { APIError, ConnectionError, SDKValidationError } from "../src/models/errors/index.ts";
import { ANSWER, core, errorOf, KEY, PNG, successOf } from "./support/calls.ts";
import { json, type Seen, serve } from "./support/server.ts";

const PNG_BYTES = new Uint8Array(Buffer.from(PNG, "base64"));
const JPEG_BYTES = new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);

function form(seen: Seen | undefined): Promise<FormData> {
  const type = String(seen?.headers["content-type"]);
  return new Response(new Uint8Array(seen?.body ?? []), { headers: { "content-type": type } }).formData();
}

async function part(value: unknown): Promise<[name: string, type: string, bytes: Buffer]> {
  assert.ok(value instanceof File);
  return [value.name, value.type, Buffer.from(await value.arrayBuffer())];
}

test("edits send pictures as image[] parts with their media types, scalars as text", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const request: EditImageRequest = {
    prompt: "ein Hütchen",
    image: [PNG_BYTES, JPEG_BYTES.buffer, new File([JPEG_BYTES], "mine.jpg", { type: "image/jpeg" })],
    mask: new Blob([PNG_BYTES]),
    n: 2,
    inputFidelity: "high",
    size: null,
    additionalFields: { lora: { name: "x" } },
  };
  const sdk = new AtomaSDK({ serverURL: server.url, bearerAuth: KEY });
  const { data } = await sdk.images.edit(request);
  assert.equal(data[0]?.b64Json, PNG);
  const [seen] = server.seen;
  assert.equal(seen?.url, "/v1/images/edits");
  assert.equal(seen?.headers.authorization, `Bearer ${KEY}`);
  const got = await form(seen);
  assert.deepEqual([...new Set(got.keys())], ["prompt", "n", "input_fidelity", "lora", "image[]", "mask"]);
  assert.deepEqual([got.get("prompt"), got.get("n"), got.get("input_fidelity")], ["ein Hütchen", "2", "high"]);
  assert.equal(got.get("lora"), '{"name":"x"}');
  assert.deepEqual(await Promise.all(got.getAll("image[]").map(part)), [
    ["image.png", "image/png", Buffer.from(PNG_BYTES)],
    ["image.jpg", "image/jpeg", Buffer.from(JPEG_BYTES)],
    ["mine.jpg", "image/jpeg", Buffer.from(JPEG_BYTES)],
  ]);
  assert.deepEqual((await part(got.get("mask"))).slice(0, 2), ["image.png", "image/png"]);
});

test("one picture is an image part, and every attempt sends the same bytes", async (t) => {
  const server = await serve(t, (response, _seen, i) =>
    i === 0 ? json(response, {}, 503, { "retry-after-ms": "1" }) : json(response, ANSWER),
  );
  successOf(await imagesEdit(core(server), { prompt: "x", image: PNG_BYTES.subarray(0) }));
  const [first, second] = server.seen;
  assert.deepEqual(first?.body, second?.body);
  assert.equal(first?.headers["content-type"], second?.headers["content-type"]);
  assert.deepEqual([...(await form(second)).keys()], ["prompt", "image"]);
});

const PICTURE = { b64_json: PNG, created_at: 5 };

for (const prefix of ["image_edit", "image_generation"]) {
  test(`K-058 an edit can be streamed; its events are image_edit events, from ${prefix} events too`, async (t) => {
    const server = await serve(t, (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const events = [
        { type: `${prefix}.progress`, step: 1, steps: 4 },
        { type: `${prefix}.partial_image`, partial_image_index: 0, ...PICTURE },
        { type: `${prefix}.other`, ...PICTURE },
        { type: `${prefix}.completed`, ...PICTURE, usage: { total_tokens: 3 } },
        { type: `${prefix}.completed`, ...PICTURE, seed: 8 },
      ];
      response.end(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(""));
    });
    const sdk = new AtomaSDK({ serverURL: server.url, bearerAuth: KEY });
    const seen: unknown[] = [];
    const request = { prompt: "a hat", image: PNG_BYTES, n: 2, partialImages: 1 };
    for await (const event of sdk.images.editStream(request, { progress: true })) {
      switch (event.type) {
        case "image_edit.progress":
          seen.push([event.type, event.step, event.steps]);
          break;
        case "image_edit.partial_image":
          seen.push([event.type, event.partialImageIndex, (await event.bytes()).length]);
          break;
        case "image_edit.completed":
          seen.push([event.type, event.createdAt, event.usage?.totalTokens, event.seed]);
          break;
        default:
          event satisfies never;
      }
    }
    assert.deepEqual(seen, [
      ["image_edit.progress", 1, 4],
      ["image_edit.partial_image", 0, 70],
      ["image_edit.completed", 5, 3, undefined],
      ["image_edit.completed", 5, undefined, 8],
    ]);
    assert.equal(server.seen[0]?.headers.accept, "text/event-stream; progress=1");
    const sent = await form(server.seen[0]);
    assert.deepEqual([...sent.keys()], ["prompt", "n", "partial_images", "stream", "image"]);
    assert.deepEqual([sent.get("stream"), sent.get("partial_images")], ["true", "1"]);
  });
}

test("K-059 the stream of an edit that ends early, is refused or is answered with JSON", async (t) => {
  const server = await serve(t, (response, _seen, i) => {
    if (i === 0) return json(response, { error: { code: "no_edits", message: "no" } }, 400);
    if (i === 1) return json(response, ANSWER);
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(`data: ${JSON.stringify({ type: "image_edit.partial_image", ...PICTURE })}\n\n`);
  });
  const request = { prompt: "a hat", image: PNG_BYTES };
  assert.equal(errorOf(await imagesEditStream(core(server), request), APIError).code, "no_edits");
  const types: string[] = [];
  const collect = async () => {
    for await (const { type } of successOf(await imagesEditStream(core(server), request))) types.push(type);
  };
  await collect();
  assert.deepEqual(types, ["image_edit.completed"]);
  await assert.rejects(collect, ConnectionError);
  // JavaScript can ask for one in the wrong place.
  const streamed = { ...request, additionalFields: { stream: true } };
  const error = errorOf(await imagesEdit(core(server), streamed), SDKValidationError);
  assert.match(error.message, /imagesEditStream/);
});

test("edits refuse what cannot be a picture before the network", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  for (const image of [[], new Uint8Array([1, 2, 3]), "cat.png", undefined, [null]]) {
    // Cast over `unknown`, since the types refuse most of these; callers in JavaScript can give them.
    const request = { prompt: "x", image } as unknown as EditImageRequest;
    errorOf(await imagesEdit(core(server), request), SDKValidationError);
  }
  // Cast, since the types demand a prompt.
  errorOf(await imagesEdit(core(server), { image: PNG_BYTES } as EditImageRequest), SDKValidationError);
  assert.equal(server.connections(), 0);
});

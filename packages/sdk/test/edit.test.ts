import assert from "node:assert/strict";
import { test } from "node:test";
import { imagesEdit } from "../src/funcs/imagesEdit.ts";
import { AtomaSDK } from "../src/index.ts";
import type { EditImageRequest } from "../src/models/components/index.ts";
import { SDKValidationError } from "../src/models/errors/index.ts";
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

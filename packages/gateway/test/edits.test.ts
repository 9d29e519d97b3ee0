import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, generateImage } from "ai";
import OpenAI, { toFile } from "openai";
import { create, editsOf, type Failure, failure, form, isNoEdits, png, url } from "./support/edits.ts";
import { startWorld } from "./support/gateway.ts";

const world = await startWorld();
after(() => world[Symbol.asyncDispose]());
const { edit, json } = editsOf(world);
const jpeg = await create(64, 64).jpeg().toBuffer();
const webp = await create(64, 64).webp().toBuffer();

test("S-057 S-126 right requests in both encodings end at the model, and nothing is reserved", async () => {
  const before = await world.available();
  await isNoEdits(edit(form({ image: png })));
  await isNoEdits(edit(form({ "image[]": [png, jpeg, webp], mask: png, n: "2", stream: "false" })));
  await isNoEdits(json({ images: [{ image_url: url(png) }], mask: { image_url: url(png) }, n: 2, stream: true }));
  assert.deepEqual([await world.available(), await world.pending()], [before, 0]);
  assert.equal(world.node.requests.length, 0);
});

test("S-126 faults of a form, as whole envelopes", async () => {
  const text = (param: string) =>
    failure(param, "invalid_type", `Invalid type for '${param}': expected a file, but got a string instead.`);
  const rows: [FormData, Failure["error"]][] = [
    [
      form({ image: png, n: "abc" }),
      failure(
        "n",
        "invalid_type",
        "Invalid type for 'n': expected an integer, but got a string value that could not be converted into an integer.",
      ),
    ],
    [form({ "image[]": "text" }), text("image[0]")],
    [form({ image: "text" }), text("image")],
    [form({}), failure("image", "missing_required_parameter", "Missing required parameter: 'image'.")],
    [
      form({ images: png }),
      failure(
        "images",
        "invalid_value",
        "Unknown parameter: 'images'. For multipart/form-data use 'image' or 'image[]'.",
      ),
    ],
    [
      form({ image: new Uint8Array() }),
      failure("image", "empty_image_file", "Invalid file 'image': the file is empty."),
    ],
    [
      form({ image: png, mask: await create(32, 32).png().toBuffer() }),
      failure("mask", "invalid_value", "The mask is 32x32, but the image is 64x64. Both must have the same size."),
    ],
    [form({ image: png, bogus: "1" }), failure("bogus", "unknown_parameter", "Unknown parameter: 'bogus'.")],
  ];
  for (const [body, expected] of rows) {
    const { status, error } = await edit(body);
    assert.deepEqual([status, error], [400, expected]);
  }
});

test("S-127 faults of a JSON body, as whole envelopes", async () => {
  const rows: [Record<string, unknown>, Failure["error"]][] = [
    [
      { image: "x" },
      failure(
        "image",
        "invalid_value",
        "Unknown parameter: 'image'. For application/json on /v1/images/edits, use 'images' (array).",
      ),
    ],
    [{}, failure("images", "missing_required_parameter", "Missing required parameter: 'images'.")],
    [
      { images: {} },
      failure(
        "images",
        "invalid_type",
        "Invalid type for 'images': expected an array of objects, but got an object instead.",
      ),
    ],
    [
      { images: ["str"] },
      failure(
        "images[0]",
        "invalid_type",
        "Invalid type for 'images[0]': expected an object, but got a string instead.",
      ),
    ],
    [
      { images: [{ image_url: url(png) }, { image_url: url(Buffer.from("GIF89a")) }] },
      failure(
        "images[1].image_url",
        "invalid_image_file",
        "Invalid image file or mode for image 2, please check your image file.",
      ),
    ],
  ];
  for (const [fields, expected] of rows) {
    const { status, error } = await json(fields);
    assert.deepEqual([status, error], [400, expected]);
  }
  const list = await edit("[]", { "content-type": "application/json" });
  assert.equal(list.status, 400);
  const many = await edit(`{"a":[${"1,".repeat(200_000)}1]}`, { "content-type": "application/json" });
  assert.deepEqual(many.error, failure(null, null, "Invalid body: the JSON has too many values, escapes or blanks."));
});

test("S-129 pictures are judged by their headers: bombs, truncated ones, SVG, GIF, too many, too large", async () => {
  const bomb = Buffer.from(png);
  bomb.writeUInt32BE(50_000, 16);
  bomb.writeUInt32BE(50_000, 20);
  const tooLarge = "Invalid image 'image': 50000x50000 pixels are more than the limit of 16777216.";
  assert.deepEqual((await edit(form({ image: bomb }))).error, failure("image", "image_too_large", tooLarge));
  const invalid = failure(
    "image",
    "invalid_image_file",
    "Invalid image file or mode for image 1, please check your image file.",
  );
  const svg =
    '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">&x;</svg>';
  const withPreview = Buffer.concat([
    Buffer.from([0xff, 0xd8, 0xff, 0xe1, 0, 6, 0xff, 0xd9, 0xff, 0xd9]),
    jpeg.subarray(2, jpeg.length - 20),
  ]);
  for (const bytes of [
    png.subarray(0, png.length - 1),
    png.subarray(0, 40),
    jpeg.subarray(0, jpeg.length - 20),
    withPreview,
    webp.subarray(0, webp.length - 1),
    Buffer.from(svg),
    await create(8, 8).gif().toBuffer(),
    Buffer.from("\x89PNG\r\n\x1a\n"),
  ]) {
    assert.deepEqual((await edit(form({ image: bytes }))).error, invalid);
  }
  const seventeen = await edit(form({ "image[]": Array<Uint8Array>(17).fill(png) }));
  assert.equal(seventeen.error.code, "array_above_max_length");
  const large = await edit(form({ image: Buffer.concat([png, Buffer.alloc(51_000_000)]) }));
  assert.deepEqual([large.status, large.error.code], [400, "image_file_too_large"]);
});

test("the OpenAPI document knows both encodings", async () => {
  const { json: document } = await world.get("/openapi.json");
  const { content } = document.paths["/v1/images/edits"].post.requestBody;
  assert.deepEqual(Object.keys(content).sort(), ["application/json", "multipart/form-data"]);
  const { EditImageRequest, EditImageForm } = document.components.schemas;
  assert.deepEqual(EditImageRequest.required, ["images", "prompt"]);
  assert.deepEqual(EditImageForm.required, ["prompt"]);
  assert.ok(EditImageForm.properties["image[]"] && EditImageForm.properties.seed);
});

test("S-126 openai: one image and two images end in its BadRequestError", async () => {
  const client = new OpenAI({ apiKey: world.key, baseURL: `${world.gateway.url}/v1`, maxRetries: 0 });
  const file = () => toFile(png, "in.png", { type: "image/png" });
  const isRefusal = (error: unknown) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.message, "400 The model 'scripted' does not support image edits.");
    return error.code === "invalid_value" && error.param === "model";
  };
  const request = { model: "scripted", prompt: "p", n: 2, stream: false } as const;
  await assert.rejects(client.images.edit({ ...request, image: await file() }), isRefusal);
  await assert.rejects(client.images.edit({ ...request, image: [await file(), await file()] }), isRefusal);
  await assert.rejects(client.images.edit({ ...request, image: await file(), mask: await file() }), isRefusal);
});

test("S-126 ai: one image and two images end in its APICallError", async () => {
  const provider = createOpenAI({ apiKey: world.key, baseURL: `${world.gateway.url}/v1` });
  const isRefusal = (error: unknown) => {
    assert.ok(APICallError.isInstance(error));
    assert.equal(error.message, "The model 'scripted' does not support image edits.");
    return error.statusCode === 400;
  };
  const model = provider.image("scripted");
  for (const images of [[png], [png, jpeg]]) {
    await assert.rejects(generateImage({ model, prompt: { text: "p", images }, maxRetries: 0 }), isRefusal);
  }
});

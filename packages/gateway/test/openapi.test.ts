import assert from "node:assert/strict";
import { after, test } from "node:test";
import { parseEditRequest, readWholeImage } from "@atoma/contract";
import { eventually, startWorld } from "./support/gateway.ts";
import { check as checkSchema, document, validator } from "./support/openapi.ts";
import { card } from "./support/scripted-node.ts";

const world = await startWorld({ modelAliases: { "atoma-tiny": "scripted" } });
after(() => world[Symbol.asyncDispose]());

const at = (value: unknown, ...path: string[]) =>
  path.reduce<unknown>((of, part) => Reflect.get(Object(of), part), value);
const check = (name: string, value: unknown) => checkSchema(`/components/schemas/${name}`, value);

test("every reference of the document resolves", () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#([^"]+)"/g)].map((match) => match[1] ?? "");
  assert.ok(references.length > 20);
  for (const pointer of new Set(references)) {
    assert.equal(typeof at(document, ...pointer.split("/").slice(1)), "object", pointer);
  }
});

test("answers are what the document says", async () => {
  for (const fields of [{}, { n: 2, response_format: "url" }, { response_format: "b64_json", output_format: "webp" }]) {
    check("CreateImageResponse", (await world.generate(fields)).json);
  }
  const accepted = await world.generate({}, { prefer: "respond-async" });
  check("ImageGeneration", accepted.json);
  const path = `/v1/images/generations/${accepted.json.id}`;
  await eventually(async () => (await world.get(path)).json.status === "succeeded");
  check("ImageGeneration", (await world.get(path)).json);
  check("ModelList", (await world.get("/v1/models")).json);
  check("Model", (await world.get("/v1/models/scripted")).json);
  check("Health", (await world.get("/health")).json);
});

test("errors are what the document says", async () => {
  const failures = [
    await world.generate({ n: 0 }),
    await world.generate({ model: "nope" }),
    await world.generate({}, { authorization: "" }),
    await world.post("{"),
    await world.get("/nope"),
  ];
  for (const { status, json } of failures) {
    assert.ok(status >= 400);
    check("ErrorResponse", json);
  }
});

test("events are what the document says", async () => {
  const accept = { accept: "text/event-stream; progress=1" };
  const { text } = await world.generate({ stream: true, partial_images: 1 }, accept);
  const schemas: Record<string, string> = {
    "image_generation.partial_image": "ImagePartialEvent",
    "image_generation.completed": "ImageCompletedEvent",
    "image_generation.progress": "ImageProgressEvent",
  };
  const seen = new Set<string>();
  for (const [, json = ""] of text.matchAll(/^data: (.*)$/gm)) {
    const event = JSON.parse(json);
    check(schemas[event.type] ?? assert.fail(event.type), event);
    seen.add(event.type);
  }
  assert.equal(seen.size, 3);
});

test("what the page offers to send is right as it stands", async () => {
  const exampleOf = (path: string) =>
    at(document, "paths", path, "post", "requestBody", "content", "application/json", "example") as Record<
      string,
      unknown
    >;
  const generation = exampleOf("/v1/images/generations");
  check("CreateImageRequest", generation);
  assert.equal((await world.generate(generation)).status, 200);
  const edit = exampleOf("/v1/images/edits");
  check("EditImageRequest", edit);
  const options = { findModel: () => ({ ...card, edits: true }), readHeader: readWholeImage };
  assert.equal(parseEditRequest({ ...edit }, options).images.length, 1);
});

test("what the document calls a request is accepted, and what it does not is refused", () => {
  check("CreateImageRequest", { model: "m", prompt: "p", n: null, size: "auto", seed: 4_294_967_295 });
  const validate = validator("/components/schemas/CreateImageRequest");
  for (const wrong of [{}, { prompt: 1 }, { prompt: "p", n: 0 }, { prompt: "p", quality: "ultra" }]) {
    assert.equal(validate(wrong), false, JSON.stringify(wrong));
  }
});

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { DallEAPIWrapper } from "@langchain/openai";
import { APICallError, generateImage } from "ai";
import OpenAI from "openai";
import { startWorld } from "./support/gateway.ts";

const FLUX = "black-forest-labs/FLUX.1-schnell";
const world = await startWorld({ modelAliases: { [FLUX]: "scripted" } });
after(() => world[Symbol.asyncDispose]());

const baseURL = `${world.gateway.url}/v1`;
const prompt = "A cute baby sea otter";
const openai = new OpenAI({ apiKey: world.key, baseURL, maxRetries: 0 });
const isPng = (bytes: Uint8Array) => assert.deepEqual([...bytes.subarray(1, 4)], [0x50, 0x4e, 0x47]);

test("S-132 openai: default, url, b64_json, extra fields, request id", async () => {
  const both = await openai.images.generate({ model: FLUX, prompt });
  isPng(Buffer.from(both.data?.[0]?.b64_json ?? "", "base64"));
  const url = await openai.images.generate({ model: FLUX, prompt, response_format: "url" });
  isPng(new Uint8Array(await (await fetch(url.data?.[0]?.url ?? "")).arrayBuffer()));
  const extended = { model: FLUX, prompt, seed: 5, response_format: "b64_json" };
  // Our extensions are not in openai's types.
  const seeded = await openai.images.generate(extended as OpenAI.Images.ImageGenerateParamsNonStreaming).withResponse();
  assert.match(seeded.request_id ?? "", /^req_/);
  assert.equal(world.node.requests.at(-1)?.job.seed, 5);
});

test("S-132 openai: models, with a slash in the id", async () => {
  const models = await openai.models.list();
  assert.ok(models.data.some((model) => model.id === FLUX));
  assert.equal((await openai.models.retrieve(FLUX)).id, FLUX);
  await assert.rejects(openai.models.retrieve("nope"), OpenAI.NotFoundError);
});

test("S-100 openai: a stream with partial images", async () => {
  const stream = await openai.images.generate({ model: FLUX, prompt, stream: true, partial_images: 2 });
  const types: string[] = [];
  for await (const event of stream) types.push(event.type);
  assert.deepEqual(types, [
    "image_generation.partial_image",
    "image_generation.partial_image",
    "image_generation.completed",
  ]);
});

test("openai: errors are of its own classes", async () => {
  const wrong = new OpenAI({ apiKey: "sk-wrong-key-0123456789", baseURL, maxRetries: 0 });
  await assert.rejects(wrong.images.generate({ prompt }), OpenAI.AuthenticationError);
  await assert.rejects(openai.images.generate({ model: FLUX, prompt, size: "9x9" as "auto" }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    return error.code === "invalid_value" && error.param === "size";
  });
});

test("S-132 ai with openai-compatible: one picture, several, and a size", async () => {
  const provider = createOpenAICompatible({ name: "atoma", apiKey: world.key, baseURL });
  const model = provider.imageModel(FLUX);
  isPng((await generateImage({ model, prompt })).image.uint8Array);
  const several = await generateImage({ model, prompt, n: 3, size: "128x128" });
  assert.equal(several.images.length, 3);
  const extended = { atoma: { response_format: "url" } };
  isPng((await generateImage({ model, prompt, providerOptions: extended })).image.uint8Array);
});

test("S-132 ai with openai: quality, style, and errors", async () => {
  const provider = createOpenAI({ apiKey: world.key, baseURL });
  const model = provider.image(FLUX);
  const made = await generateImage({ model, prompt, providerOptions: { openai: { quality: "hd", style: "vivid" } } });
  isPng(made.image.uint8Array);
  await assert.rejects(generateImage({ model: provider.image("nope"), prompt, maxRetries: 0 }), (error) => {
    assert.ok(APICallError.isInstance(error));
    return error.statusCode === 404 && /does not exist/.test(error.message);
  });
});

test("S-132 langchain: its defaults, and several pictures", async () => {
  const fields = { model: FLUX, apiKey: world.key, baseUrl: baseURL, maxRetries: 0 };
  const url = await new DallEAPIWrapper(fields).invoke(prompt);
  isPng(new Uint8Array(await (await fetch(url)).arrayBuffer()));
  const several = await new DallEAPIWrapper({ ...fields, n: 2, dallEResponseFormat: "b64_json" }).invoke(prompt);
  assert.equal(several.length, 2);
});

test("S-002 S-132 the published atoma-sdk 0.1.1", async () => {
  const require = createRequire(import.meta.url);
  // A package without types for these paths.
  const { AtomaSDKCore } = require("atoma-sdk-original/core.js");
  const { imagesGenerate } = require("atoma-sdk-original/funcs/imagesGenerate.js");
  const { modelsModelsList } = require("atoma-sdk-original/funcs/modelsModelsList.js");
  const { healthHealth } = require("atoma-sdk-original/funcs/healthHealth.js");
  const core = new AtomaSDKCore({ bearerAuth: world.key, serverURL: world.gateway.url });
  const made = await imagesGenerate(core, {
    model: FLUX,
    n: 1,
    prompt,
    quality: "hd",
    responseFormat: "url",
    size: "1024x1024",
    style: "vivid",
    user: "user-1234",
  });
  assert.ok(made.ok, String(made.error));
  assert.match(made.value.data[0].url, /\/v1\/images\/files\//);
  const models = await modelsModelsList(core);
  assert.ok(models.ok && models.value.data.some((model: { id: string }) => model.id === FLUX));
  assert.equal((await healthHealth(core)).value.message, "ok");
  const refused = await imagesGenerate(core, { model: "nope", prompt });
  assert.equal(refused.error.statusCode, 404);
});

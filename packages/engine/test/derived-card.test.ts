import assert from "node:assert/strict";
import { cpSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readModelFolder } from "../src/folder/read-model-folder.ts";
import { loadPipeline } from "../src/pipeline/load-pipeline.ts";
import { editJson, temporaryFolder } from "./support.ts";

const MODELS = join(import.meta.dirname, "fixtures", "models");
const read = (family: string) => readModelFolder(join(MODELS, family));

test("a folder straight from the exporter has a card: its name, its size, what its family does by itself", () => {
  const { card, native } = read("sd15");
  assert.equal(native, undefined);
  assert.deepEqual([card.id, card.defaultSize, card.edits, card.negativePrompts], ["sd15", "64x64", true, true]);
  assert.deepEqual([card.steps.default, card.guidanceScale], [50, { default: 7.5 }]);
  assert.ok(card.sizes.kind === "range" && card.sizes.multiple === 16, "one halving of 8-pixel cells");
});

const HABITS = [
  { family: "sd2-v", steps: 50, guidance: { default: 7.5 }, negative: true },
  { family: "sd-turbo", steps: 1, guidance: { default: 0, max: 1 }, negative: false },
  { family: "lcm", steps: 4, guidance: { default: 8.5 }, negative: false },
  { family: "sdxl", steps: 50, guidance: { default: 5 }, negative: true },
  { family: "sdxl-turbo", steps: 1, guidance: { default: 0, max: 1 }, negative: false },
  { family: "sd3", steps: 28, guidance: { default: 7 }, negative: true },
  { family: "sd3-no-t5", steps: 28, guidance: { default: 7 }, negative: true },
  { family: "flux-dev", steps: 28, guidance: { default: 3.5 }, negative: false },
  { family: "flux-schnell", steps: 4, guidance: { default: 0, max: 1 }, negative: false },
];

for (const { family, steps, guidance, negative } of HABITS) {
  test(`${family}: steps, guidance and negative prompts are those of its kind`, () => {
    const { card } = read(family);
    assert.equal(card.steps.default, steps);
    assert.deepEqual(card.guidanceScale, guidance);
    assert.equal(card.negativePrompts, negative);
  });
}

test("atoma.json overrides what is derived, key by key", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "mine");
  cpSync(join(MODELS, "sd15"), path, { recursive: true });
  const card = { aliases: ["photo"], steps: { default: 12 }, sizes: { maxEdge: 128 }, guidanceScale: { max: 9 } };
  writeFileSync(join(path, "atoma.json"), JSON.stringify({ card }));
  const { card: made } = readModelFolder(path);
  assert.deepEqual([made.id, made.aliases], ["mine", ["photo"]]);
  assert.deepEqual([made.steps.default, made.steps.max, made.guidanceScale], [12, 100, { default: 7.5, max: 9 }]);
  assert.ok(made.sizes.kind === "range" && made.sizes.maxEdge === 128 && made.sizes.multiple === 16);
});

test("the licence is what the hub's README says", () => {
  using folder = temporaryFolder();
  cpSync(join(MODELS, "sd15"), folder.path, { recursive: true });
  writeFileSync(join(folder.path, "README.md"), "---\ntags:\n- onnx\nlicense: openrail++\n---\n\nlicense: nothing\n");
  assert.equal(readModelFolder(folder.path).card.licence, "openrail++");
});

test("without an encoder for pictures, or with one that draws its own random numbers, a model does not edit", () => {
  using folder = temporaryFolder();
  cpSync(join(MODELS, "sd15"), folder.path, { recursive: true });
  const encoder = join(folder.path, "vae_encoder", "model.onnx");
  writeFileSync(encoder, "graph … latent_sample …");
  const { card, parts } = readModelFolder(folder.path);
  assert.equal(card.edits, false);
  assert.match(parts.encoderRefused ?? "", /vae_encoder\/model.onnx: draws random numbers of its own/);
  rmSync(encoder);
  assert.equal(readModelFolder(folder.path).card.edits, false);
  writeFileSync(join(folder.path, "atoma.json"), JSON.stringify({ card: { edits: true } }));
  assert.throws(() => readModelFolder(folder.path), /vae_encoder\/model.onnx: missing/);
});

test("JSON as Python writes it is read: -Infinity, Infinity, NaN", () => {
  using folder = temporaryFolder();
  cpSync(join(MODELS, "sd15"), folder.path, { recursive: true });
  const file = join(folder.path, "scheduler", "scheduler_config.json");
  writeFileSync(
    file,
    '{"_class_name": "PNDMScheduler", "skip_prk_steps": true, "steps_offset": 1, "lambda_min_clipped": -Infinity,' +
      '"note": "a \\" -Infinity", "sigma_max": NaN}',
  );
  assert.equal(readModelFolder(folder.path).scheduler.name, "PNDMScheduler");
});

test("a folder of the first converter has no configuration of its VAE: it is Stable Diffusion's", () => {
  using folder = temporaryFolder();
  cpSync(join(MODELS, "sd15"), folder.path, { recursive: true });
  for (const part of ["vae_decoder", "vae_encoder"]) rmSync(join(folder.path, part, "config.json"));
  editJson(join(folder.path, "model_index.json"), (index) =>
    Object.assign(index, { _class_name: "OnnxStableDiffusionPipeline" }),
  );
  const { latents } = readModelFolder(folder.path);
  assert.deepEqual([latents.channels, latents.pixelsPerCell, latents.factor[0]], [4, 8, 0.18215]);
});

test("what is missing is named, with what would do", () => {
  using folder = temporaryFolder();
  cpSync(join(MODELS, "sdxl"), folder.path, { recursive: true });
  mkdirSync(join(folder.path, "elsewhere"));
  renameSync(join(folder.path, "text_encoder_2"), join(folder.path, "elsewhere", "text_encoder_2"));
  assert.throws(
    () => readModelFolder(folder.path),
    /text_encoder_2\/model.onnx: missing; the folder must be exported to ONNX/,
  );
});

test("weights beside a graph that are missing or incomplete are named, with what would do", async () => {
  using folder = temporaryFolder();
  cpSync(join(MODELS, "sdxl"), folder.path, { recursive: true });
  const weights = join(folder.path, "unet", "model.onnx_data");
  truncateSync(weights, 100_000);
  const load = () => loadPipeline(readModelFolder(folder.path), { threads: 1 });
  await assert.rejects(load(), {
    name: "ModelFolderError",
    message:
      /unet\/model.onnx: the file with its weights ends at byte 100000, before \S+; it is incomplete, fetch it again$/,
  });
  rmSync(weights);
  await assert.rejects(
    load(),
    /unet\/model.onnx_data: missing; it holds weights of .*unet\/model.onnx, which needs every file/,
  );
});

import assert from "node:assert/strict";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import sharp from "sharp";
import { readFields } from "../src/folder/fields.ts";
import { readModelFolder } from "../src/folder/read-model-folder.ts";
import { toHalf } from "../src/network/tensor-data.ts";
import { loadPipeline } from "../src/pipeline/load-pipeline.ts";
import { type EditInput, toPictureRequest } from "../src/pipeline/picture-request.ts";
import { torchGenerator } from "../src/random/torch-generator.ts";
import { createScheduler } from "../src/schedulers/create-scheduler.ts";
import type { Latent } from "../src/schedulers/scheduler.ts";
import { loadTokenizer } from "../src/tokenizer/load-tokenizer.ts";
import { elementNumber, type Port, writeOnnx } from "./onnx.ts";
import { collect, editJson, imagesOf, jobFor, randomBytes, TINY, temporaryFolder } from "./support.ts";

const VOCABULARY = 2000;
const CHANNELS = 4;
const SCALING = 0.5;
const SCHEDULER = { num_train_timesteps: 1000, beta_schedule: "scaled_linear", clip_sample: false, steps_offset: 1 };

const float16 = (name: string, value: number) =>
  ({ name, type: "float16", dims: [], data: Uint16Array.of(toHalf(value)) }) as const;
const axes = (name: string, ...values: number[]) =>
  ({ name, type: "int64", dims: [values.length], data: BigInt64Array.from(values.map(BigInt)) }) as const;

/** Token id / 1000 for each real token, 0 for padding, in [batch, tokens, 1]. */
function writeTextEncoder(file: string, type: "float32" | "float16"): void {
  const tokens = (name: string): Port => ({ name, type: "int64", shape: ["batch", "tokens"] });
  writeOnnx(file, {
    inputs: [tokens("input_ids"), tokens("attention_mask")],
    outputs: [{ name: "last_hidden_state", type, shape: ["batch", "tokens", 1] }],
    constants: [
      {
        name: "table",
        type: "float32",
        dims: [VOCABULARY, 1],
        data: Float32Array.from({ length: VOCABULARY }, (_, i) => i / 1000),
      },
      axes("last", 2),
    ],
    operations: [
      { op: "Gather", inputs: ["table", "input_ids"], output: "embedded" },
      { op: "Cast", inputs: ["attention_mask"], output: "mask", attributes: { to: elementNumber("float32") } },
      { op: "Unsqueeze", inputs: ["mask", "last"], output: "column" },
      { op: "Mul", inputs: ["embedded", "column"], output: "masked" },
      { op: "Cast", inputs: ["masked"], output: "last_hidden_state", attributes: { to: elementNumber(type) } },
    ],
  });
}

/** ε = sample / 2 + mean(text) · timestep / 1000, in half precision, with a scalar int64 timestep as old exports have it. */
function writeUnet(file: string, further: readonly Port[] = []): void {
  const grid = { type: "float16", shape: ["batch", CHANNELS, "height", "width"] } as const;
  writeOnnx(file, {
    inputs: [
      { name: "sample", ...grid },
      { name: "timestep", type: "int64", shape: [] },
      { name: "encoder_hidden_states", type: "float16", shape: ["batch", "tokens", 1] },
      ...further,
    ],
    outputs: [{ name: "out_sample", ...grid }],
    constants: [float16("half", 0.5), float16("thousandth", 0.001), axes("last", 3)],
    operations: [
      {
        op: "ReduceMean",
        inputs: ["encoder_hidden_states"],
        output: "mean",
        attributes: { axes: [1, 2], keepdims: 1 },
      },
      { op: "Unsqueeze", inputs: ["mean", "last"], output: "text" },
      { op: "Cast", inputs: ["timestep"], output: "t", attributes: { to: elementNumber("float16") } },
      { op: "Mul", inputs: ["t", "thousandth"], output: "time" },
      { op: "Mul", inputs: ["text", "time"], output: "shift" },
      { op: "Mul", inputs: ["sample", "half"], output: "halved" },
      { op: "Add", inputs: ["halved", "shift"], output: "out_sample" },
    ],
  });
}

/** The first three channels as they are: one pixel a cell. */
function writeDecoder(file: string): void {
  const grid = (name: string, channels: number): Port => ({
    name,
    type: "float32",
    shape: [1, channels, "height", "width"],
  });
  writeOnnx(file, {
    inputs: [grid("latent_sample", CHANNELS)],
    outputs: [grid("sample", 3)],
    constants: [axes("from", 0), axes("to", 3), axes("axis", 1)],
    operations: [{ op: "Slice", inputs: ["latent_sample", "from", "to", "axis"], output: "sample" }],
  });
}

/** Mean and log-variance of a latent, in half precision: the picture's own channels and its first again, twice over. */
function writeEncoder(file: string): void {
  const grid = (name: string, channels: number): Port => ({
    name,
    type: "float16",
    shape: [1, channels, "height", "width"],
  });
  writeOnnx(file, {
    inputs: [grid("sample", 3)],
    outputs: [grid("latent_parameters", 2 * CHANNELS)],
    constants: [axes("from", 0), axes("to", 1), axes("axis", 1)],
    operations: [
      { op: "Slice", inputs: ["sample", "from", "to", "axis"], output: "first" },
      {
        op: "Concat",
        inputs: ["sample", "first", "sample", "first"],
        output: "latent_parameters",
        attributes: { axis: 1 },
      },
    ],
  });
}

function writeFolder(path: string, schedulerName: string, textType: "float32" | "float16" = "float32"): void {
  const json = (file: string, value: unknown) => {
    mkdirSync(join(path, file, ".."), { recursive: true });
    writeFileSync(join(path, file), JSON.stringify(value));
  };
  cpSync(join(TINY, "tokenizer"), join(path, "tokenizer"), { recursive: true });
  json("model_index.json", { _class_name: "FlowMatchPipeline", unet: ["diffusers", "UNet2DConditionModel"] });
  json("scheduler/scheduler_config.json", { ...SCHEDULER, _class_name: schedulerName });
  json("vae_decoder/config.json", { latent_channels: CHANNELS, scaling_factor: SCALING, block_out_channels: [8] });
  const sizes = { kind: "range", multiple: 16, maxEdge: 256, minPixels: 256, maxPixels: 65_536, maxAspectRatio: 3 };
  json("atoma.json", { card: { id: "synthetic", sizes, defaultSize: "32x16" } });
  writeTextEncoder(join(path, "text_encoder/model.onnx"), textType);
  writeUnet(join(path, "unet/model.onnx"));
  writeDecoder(join(path, "vae_decoder/model.onnx"));
}

/** What an edit starts from: mean and log-variance (the same numbers here) of its picture's latent, from a step on, and what to put back after each step, if anything. */
interface Start {
  readonly mean: Latent;
  readonly skipped: number;
  readonly isKept: (element: number) => boolean;
}

/** What the networks above make of it, by the formulas themselves. */
function expectedLatent(path: string, steps: number, seed: number, scale: number, start?: Start): Latent {
  const schedule = createScheduler(readFields(path, "scheduler/scheduler_config.json")).plan({ steps });
  const { tokenize } = loadTokenizer(join(path, "tokenizer"), undefined);
  const mean = (text: string) => {
    const { ids, mask } = tokenize(text);
    return ids.reduce((sum, id, i) => sum + (id / 1000) * (mask[i] ?? 0), 0) / ids.length;
  };
  const draw = mean("a red circle");
  const avoid = mean("a blue star");
  const generator = torchGenerator(seed);
  const count = CHANNELS * 32 * 16;
  const draws = start && generator.normals(count);
  const noise = generator.normals(count);
  const { skipped, isKept } = start ?? { skipped: 0, isKept: () => false };
  const original = start?.mean.map((m, i) => (m + Math.exp(m / 2) * (draws?.[i] ?? 0)) * SCALING) ?? noise;
  let latent: Latent =
    skipped > 0 ? schedule.addNoise(original, noise, skipped) : noise.map((x) => x * schedule.initNoiseSigma);
  const run = schedule.begin(generator, skipped);
  for (let i = skipped; i < steps; i++) {
    const text = (avoid + scale * (draw - avoid)) * (Math.round(schedule.timesteps[i] ?? 0) / 1000);
    latent = run.step(
      run.scaleInput(latent).map((x) => x / 2 + text),
      latent,
    );
    const known = schedule.addNoise(original, noise, i + 1);
    latent = latent.map((value, k) => (isKept(k) ? (known[k] ?? 0) : value));
  }
  return latent;
}

describe("the unet layout, in half precision, with mask and scalar timestep", () => {
  for (const [name, textType] of [
    ["DDIMScheduler", "float32"],
    ["EulerDiscreteScheduler", "float16"],
  ] as const) {
    test(`${name}, text in ${textType}: the picture is what the formulas give`, async () => {
      using folder = temporaryFolder();
      writeFolder(folder.path, name, textType);
      const model = readModelFolder(folder.path);
      assert.equal(model.parts.denoiserKind, "unet");
      const pipeline = await loadPipeline(model, { threads: 1, metadata: "prompt" });
      const body = {
        prompt: "a red circle",
        negative_prompt: "a blue star",
        size: "32x16",
        steps: 5,
        seed: 8,
        guidance_scale: 3,
      };
      const request = toPictureRequest(jobFor(model.card, body), () => assert.fail("the seed is given"));
      const [image] = imagesOf(await collect(pipeline.generate(request)));
      await pipeline.close();
      assert.ok(image);

      const pixels = await sharp(image.bytes).raw().toBuffer();
      const latent = expectedLatent(folder.path, 5, 8, 3);
      const area = 32 * 16;
      assert.equal(pixels.length, 3 * area);
      for (let i = 0; i < area; i++) {
        for (let c = 0; c < 3; c++) {
          const exact = 127.5 * ((latent[c * area + i] ?? 0) / SCALING + 1);
          const expected = Math.min(255, Math.max(0, exact));
          const actual = pixels[3 * i + c] ?? -1;
          assert.ok(Math.abs(actual - expected) <= 3, `pixel ${i}, channel ${c}: ${actual} instead of ${expected}`);
        }
      }
      assert.ok(new Set(pixels).size > 20, "the picture is not just black or white");
      assert.ok(Buffer.from(image.bytes).includes("a red circle\nNegative prompt: a blue star\nSteps: 5"));
    });
  }

  const AREA = 32 * 16;
  const picture = randomBytes(3 * AREA, 5);
  const png = () =>
    sharp(picture, { raw: { width: 32, height: 16, channels: 3 } })
      .png()
      .toBuffer();
  /** Mean of its latent: the planes in -1..1 and the first of them again. */
  const pictureMean: Latent = Float32Array.from({ length: CHANNELS * AREA }, (_, i) => {
    return (picture[3 * (i % AREA) + (Math.floor(i / AREA) % 3)] ?? 0) / 127.5 - 1;
  });

  async function edited(path: string, edit: EditInput): Promise<Buffer> {
    writeEncoder(join(path, "vae_encoder/model.onnx"));
    editJson(join(path, "atoma.json"), ({ card }) => Object.assign(card as object, { edits: true }));
    const model = readModelFolder(path);
    assert.deepEqual([model.card.edits, model.card.maxInputImages, model.card.inputFidelity], [true, 1, true]);
    const pipeline = await loadPipeline(model, { threads: 1 });
    const body = {
      prompt: "a red circle",
      negative_prompt: "a blue star",
      size: "32x16",
      steps: 10,
      seed: 8,
      guidance_scale: 3,
    };
    const events = await collect(pipeline.generate({ ...toPictureRequest(jobFor(model.card, body), () => 0), edit }));
    await pipeline.close();
    const [image] = imagesOf(events);
    assert.ok(image);
    assert.match(Buffer.from(image.bytes).toString("latin1"), /Denoising strength: 0\.[47]/);
    return sharp(image.bytes).raw().toBuffer();
  }
  const near = (pixels: Buffer, latent: Latent, i: number, slack: number) => {
    for (let c = 0; c < 3; c++) {
      const expected = Math.min(255, Math.max(0, 127.5 * ((latent[c * AREA + i] ?? 0) / SCALING + 1)));
      const actual = pixels[3 * i + c] ?? -1;
      assert.ok(Math.abs(actual - expected) <= slack, `pixel ${i}, channel ${c}: ${actual} instead of ${expected}`);
    }
  };

  for (const name of ["DDIMScheduler", "EulerDiscreteScheduler"]) {
    test(`${name}: an edit starts from a noised sample of the picture's latents, and gives what the formulas give`, async () => {
      using folder = temporaryFolder();
      writeFolder(folder.path, name);
      const pixels = await edited(folder.path, { image: await png(), mask: undefined, strength: 0.4 });
      const latent = expectedLatent(folder.path, 10, 8, 3, { mean: pictureMean, skipped: 6, isKept: () => false });
      for (let i = 0; i < AREA; i++) near(pixels, latent, i, 4);
      assert.notDeepEqual(pixels, picture);
    });

    test(`${name}: under a mask what is known is put back at each step, and in the end pixel by pixel`, async () => {
      using folder = temporaryFolder();
      writeFolder(folder.path, name);
      // Transparent, to be painted, from column 16 on.
      const alpha = Buffer.from(Array.from({ length: AREA }, (_, i) => (i % 32 < 16 ? 255 : 0)));
      const mask = await sharp(picture, { raw: { width: 32, height: 16, channels: 3 } })
        .joinChannel(alpha, { raw: { width: 32, height: 16, channels: 1 } })
        .png()
        .toBuffer();
      const pixels = await edited(folder.path, { image: await png(), mask, strength: 0.7 });
      const isKept = (k: number) => k % 32 < 16;
      const latent = expectedLatent(folder.path, 10, 8, 3, { mean: pictureMean, skipped: 3, isKept });
      for (let i = 0; i < AREA; i++) {
        if (isKept(i)) assert.deepEqual(pixels.subarray(3 * i, 3 * i + 3), picture.subarray(3 * i, 3 * i + 3));
        // The edge is soft over a few pixels.
        else if (i % 32 >= 22) near(pixels, latent, i, 4);
      }
    });
  }

  test("an input that the engine does not know is named", async () => {
    using folder = temporaryFolder();
    writeFolder(folder.path, "DDIMScheduler");
    writeUnet(join(folder.path, "unet/model.onnx"), [{ name: "control_hint", type: "float32", shape: ["batch", 6] }]);
    const loading = loadPipeline(readModelFolder(folder.path), { threads: 1 });
    await assert.rejects(loading, /unet\/model.onnx: wants input control_hint, which is not supported/);
  });

  test("a network in the place of another is named", async () => {
    using folder = temporaryFolder();
    writeFolder(folder.path, "DDIMScheduler");
    writeDecoder(join(folder.path, "unet/model.onnx"));
    const loading = loadPipeline(readModelFolder(folder.path), { threads: 1 });
    await assert.rejects(loading, /unet\/model.onnx: wants input latent_sample/);
  });

  test("without a native size only whole latent cells can be rendered", async () => {
    using folder = temporaryFolder();
    writeFolder(folder.path, "DDIMScheduler");
    const model = readModelFolder(folder.path);
    const pipeline = await loadPipeline({ ...model, latents: { ...model.latents, pixelsPerCell: 64 } }, { threads: 1 });
    const request = toPictureRequest(jobFor(model.card, { size: "32x16", seed: 1 }), () => 0);
    await assert.rejects(collect(pipeline.generate(request)), /32x16 is not in whole latent cells of 64 pixels/);
    await pipeline.close();
  });
});

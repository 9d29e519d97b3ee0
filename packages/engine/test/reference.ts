/** Runs a model folder's recorded cases and measures how far the engine's numbers are from the reference's. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { fieldsOf, isObject, readJsonObject } from "../src/folder/fields.ts";
import { parsePythonJson } from "../src/folder/parse-python-json.ts";
import { type ModelFolder, readModelFolder } from "../src/folder/read-model-folder.ts";
import type { Pixels } from "../src/image/pixels.ts";
import { loadPipeline, type Pipeline } from "../src/pipeline/load-pipeline.ts";
import type { PictureRequest } from "../src/pipeline/picture-request.ts";
import { createScheduler } from "../src/schedulers/create-scheduler.ts";
import type { Conditioning } from "../src/text/conditioning.ts";

interface StoredArray {
  readonly type: "float32" | "uint8";
  readonly shape: readonly number[];
  readonly offset: number;
}

export interface RecordedCase {
  readonly name: string;
  readonly mode: "text" | "image" | "mask";
  readonly prompt: string;
  readonly negative?: string;
  readonly seed: number;
  readonly n?: number;
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  readonly guidance: number;
  readonly strength?: number;
  readonly options?: Readonly<Record<string, number>>;
  readonly scheduler?: Readonly<Record<string, unknown>>;
  readonly conditioning: Readonly<Record<string, StoredArray>>;
  readonly latents: StoredArray;
  readonly pictures: StoredArray;
}

export interface Recorded {
  readonly folder: string;
  readonly cases: readonly RecordedCase[];
  readonly picture: StoredArray;
  readonly mask: StoredArray;
  /** A latent, and the picture of it that was decoded in tiles. */
  readonly tiled?: { readonly latent: StoredArray; readonly picture: StoredArray };
  floats(array: StoredArray): Float32Array<ArrayBuffer>;
  bytes(array: StoredArray): Uint8Array<ArrayBuffer>;
}

const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Reads `record/record.json` and `record.bin` of a folder. */
export function readRecord(folder: string): Recorded {
  const json = parsePythonJson(readFileSync(join(folder, "record", "record.json"), "utf8"));
  if (!isObject(json) || !Array.isArray(json.cases)) throw new Error(`${folder}/record/record.json: no record`);
  const data = new Uint8Array(readFileSync(join(folder, "record", "record.bin")));
  // The file is written by scripts/reference/record.py in this shape.
  const { cases, picture, mask, tiled } = json as unknown as Pick<Recorded, "cases" | "picture" | "mask" | "tiled">;
  return {
    folder,
    cases,
    picture,
    mask,
    ...(tiled && { tiled }),
    floats: ({ shape, offset }) => new Float32Array(data.buffer.slice(offset, offset + 4 * product(shape))),
    bytes: ({ shape, offset }) => data.slice(offset, offset + product(shape)),
  };
}

/** How far a case is from its record. */
export interface Differences {
  readonly name: string;
  /** Largest absolute difference by the largest absolute value, of each recorded part of the conditioning. */
  readonly conditioning: number | undefined;
  /** Norm of the difference by the norm, after the last step; the largest of the pictures. */
  readonly latents: number;
  /** The same after the first step that differs by more than a thousandth, 0-based; undefined: none does. */
  readonly firstBad: number | undefined;
  /** Share of values (three a pixel) that differ by more than 1 of 255. */
  readonly pixels: number;
  /** Evaluations of the network: recorded and made. */
  readonly steps: readonly [recorded: number, made: number];
}

function relative(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += ((actual[i] ?? 0) - (expected[i] ?? 0)) ** 2;
    norm += (expected[i] ?? 0) ** 2;
  }
  return Math.sqrt(difference / norm);
}

function worst(actual: Float32Array | undefined, expected: Float32Array): number {
  if (actual?.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs((actual[i] ?? 0) - (expected[i] ?? 0)));
    largest = Math.max(largest, Math.abs(expected[i] ?? 0));
  }
  return largest === 0 ? difference : difference / largest;
}

async function pngOf(
  data: Uint8Array,
  [height = 0, width = 0]: readonly number[],
  alpha?: Uint8Array,
): Promise<Buffer> {
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  return (alpha ? image.joinChannel(Buffer.from(alpha), { raw: { width, height, channels: 1 } }) : image)
    .png()
    .toBuffer();
}

/** The request that a case stands for. */
export async function requestOf(record: Recorded, one: RecordedCase): Promise<PictureRequest> {
  const { mode, prompt, negative, seed, n = 1, width, height, steps, guidance, strength = 1 } = one;
  const picture = record.bytes(record.picture);
  const { shape } = record.picture;
  // What the reference paints is transparent here.
  const alpha = record.bytes(record.mask).map((paint) => 255 - paint);
  const edit = {
    image: await pngOf(picture, shape),
    mask: mode === "mask" ? await pngOf(picture, shape, alpha) : undefined,
    strength,
  };
  return {
    prompt,
    negativePrompt: negative,
    n,
    width,
    height,
    outputFormat: "png",
    outputCompression: 100,
    partialImages: 0,
    seed,
    steps,
    guidanceScale: guidance,
    ...(mode !== "text" && { edit }),
  };
}

/** The folder with the scheduler and the settings that a case has. */
export function folderFor(folder: ModelFolder, one: RecordedCase): ModelFolder {
  const {
    clip_skip: clipSkip = 0,
    guidance_rescale: guidanceRescale = 0,
    true_cfg_scale: trueGuidance = 1,
  } = one.options ?? {};
  const file = join(folder.path, "scheduler", "scheduler_config.json");
  const config = { ...readJsonObject(file), ...one.scheduler };
  return {
    ...folder,
    ...(one.scheduler && { scheduler: createScheduler(fieldsOf(config, file)) }),
    settings: { ...folder.settings, clipSkip, guidanceRescale, trueGuidance },
  };
}

function conditioningDifference(
  record: Recorded,
  one: RecordedCase,
  text: Conditioning | undefined,
): number | undefined {
  const parts: Readonly<Record<string, Float32Array | undefined>> = {
    text: text?.prompt.hidden,
    pooled: text?.prompt.pooled,
    negative_text: text?.negative?.hidden,
    negative_pooled: text?.negative?.pooled,
  };
  // The reference encodes a negative text even where the run is not guided.
  const names = Object.keys(one.conditioning).filter(
    (name) => text?.negative !== undefined || !name.startsWith("negative"),
  );
  if (names.length === 0) return undefined;
  return Math.max(
    ...names.map((name) => {
      const stored = one.conditioning[name];
      return stored ? worst(parts[name], record.floats(stored)) : Number.POSITIVE_INFINITY;
    }),
  );
}

function pixelShare(made: readonly Pixels[], expected: Uint8Array): number {
  const all = Buffer.concat(made.map(({ data }) => data));
  if (all.length !== expected.length) return 1;
  let off = 0;
  for (let i = 0; i < all.length; i++) if (Math.abs((all[i] ?? 0) - (expected[i] ?? 0)) > 1) off++;
  return off / all.length;
}

/** Pipelines of a record's folder, loaded once for all cases with the same scheduler and settings. */
export interface Comparison extends AsyncDisposable {
  /** Runs one case on one thread. */
  compare(one: RecordedCase): Promise<Differences>;
}

export function openComparison(record: Recorded): Comparison {
  const loaded = new Map<string, Promise<Pipeline>>();
  const pipelineFor = (one: RecordedCase): Promise<Pipeline> => {
    const folder = folderFor(readModelFolder(record.folder), one);
    const key = JSON.stringify([one.scheduler, folder.settings]);
    const found = loaded.get(key) ?? loadPipeline(folder, { threads: 1 });
    loaded.set(key, found);
    return found;
  };
  return {
    compare: async (one) => compareCase(record, one, await pipelineFor(one)),
    async [Symbol.asyncDispose]() {
      for (const pipeline of loaded.values()) await (await pipeline).close();
    },
  };
}

async function compareCase(record: Recorded, one: RecordedCase, pipeline: Pipeline): Promise<Differences> {
  const n = one.n ?? 1;
  let text: Conditioning | undefined;
  const latents: Float32Array[][] = Array.from({ length: n }, () => []);
  const pixels: Pixels[] = [];
  const trace = {
    conditioning: (conditioning: Conditioning) => {
      text = conditioning;
    },
    latent: (index: number, latent: Float32Array) => void latents[index]?.push(latent.slice()),
    pixels: (_: number, made: Pixels) => void pixels.push(made),
  };
  for await (const _ of pipeline.generate(await requestOf(record, one), { trace }));

  const [steps = 0, , ...shape] = one.latents.shape;
  const all = record.floats(one.latents);
  const length = product(shape);
  const at = (step: number, index: number) =>
    all.subarray((step * n + index) * length, (step * n + index + 1) * length);
  const errorAfter = (step: number) =>
    Math.max(...latents.map((made, index) => relative(made[step] ?? new Float32Array(), at(step, index))));
  const errors = Array.from({ length: steps }, (_, step) => errorAfter(step));
  const firstBad = errors.findIndex((error) => !(error <= 1e-3));
  return {
    name: one.name,
    conditioning: conditioningDifference(record, one, text),
    latents: errors.at(-1) ?? Number.POSITIVE_INFINITY,
    firstBad: firstBad < 0 ? undefined : firstBad,
    pixels: pixelShare(pixels, record.bytes(one.pictures)),
    steps: [steps, latents[0]?.length ?? 0],
  };
}

/** Largest differences that count as the same picture. */
export const TOLERANCE = { conditioning: 1e-4, latents: 1e-3, pixels: 1e-3 } as const;

export function isSame({ conditioning, latents, pixels, steps }: Differences): boolean {
  return (
    (conditioning ?? 0) <= TOLERANCE.conditioning &&
    latents <= TOLERANCE.latents &&
    pixels <= TOLERANCE.pixels &&
    steps[0] === steps[1]
  );
}

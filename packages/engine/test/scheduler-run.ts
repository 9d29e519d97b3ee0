import { type Fields, fieldsOf, ModelFolderError, readJsonObject } from "../src/folder/fields.ts";
import type { Generator } from "../src/random/generator.ts";
import { torchGenerator } from "../src/random/torch-generator.ts";
import { createScheduler } from "../src/schedulers/create-scheduler.ts";
import type { Latent, Schedule } from "../src/schedulers/scheduler.ts";

/** The batch of diffusers' scheduler tests: four pictures of 3 × 8 × 8. */
const ROWS = 4;
const ROW = 192;

/** How far one run of a file of reference runs is from ours. */
export interface Comparison {
  readonly name: string;
  /** Relative error of the sum of the sizes of all elements. */
  readonly sum: number;
  /** Largest error of the recorded elements, relative to those of a size above 1. */
  readonly elements: number;
  /** Largest error of the timesteps, relative to those above 1; infinite where their number differs. */
  readonly timesteps: number;
}

export interface Refusal {
  readonly name: string;
  readonly refusal: string;
}

/** The pictures: arange(768)/768 shaped (3, 8, 8, 4) and permuted to (4, 3, 8, 8). */
function testSamples(): Latent[] {
  return Array.from({ length: ROWS }, (_, row) =>
    Float32Array.from({ length: ROW }, (_, i) => (i * ROWS + row) / (ROWS * ROW)),
  );
}

const f = Math.fround;

/** The network of those tests, whose output depends on the timestep. */
function testModel(x: Latent, t: number): Latent {
  return x.map((v) => f(f(v * t) / f(t + 1)));
}

/** One generator for a batch: each draw is one for all rows, of which each row gets its part. */
export function batchGenerators(generator: Generator, rows: number): Generator[] {
  const draws: Latent[] = [];
  return Array.from({ length: rows }, (_, row) => {
    let drawn = 0;
    return {
      normals: (count) => {
        draws[drawn] ??= generator.normals(count * rows);
        return draws[drawn++]?.slice(row * count, (row + 1) * count) ?? new Float32Array(count);
      },
    };
  });
}

interface RunOptions {
  readonly seed: number;
  /** Each step goes on with the scaled sample, as in diffusers' own tests. */
  readonly scaled: boolean;
  /** Starts at this evaluation from the noised pictures, as pipelines' image to image does. */
  readonly begin: number | undefined;
}

/** Takes the batch through the schedule. */
function runBatch(schedule: Schedule, { seed, scaled, begin }: RunOptions): Latent[] {
  const generators = batchGenerators(torchGenerator(seed), ROWS);
  return testSamples().map((sample, row) => {
    const generator = generators[row];
    if (!generator) throw new RangeError("no generator for the row");
    let latent: Latent =
      begin === undefined
        ? sample.map((x) => x * schedule.initNoiseSigma)
        : schedule.addNoise(sample, generator.normals(ROW), begin);
    const run = schedule.begin(generator, begin);
    for (const t of schedule.timesteps.slice(begin)) {
      const seen = run.scaleInput(latent);
      latent = run.step(testModel(seen, t), scaled ? seen : latent);
    }
    return latent;
  });
}

const relative = (actual: number, expected: number) => {
  const error = Math.abs(actual - expected) / Math.max(1, Math.abs(expected));
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
};

function largest(actual: ArrayLike<number>, expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  return expected.reduce((most, value, i) => Math.max(most, relative(actual[i] ?? Number.NaN, value)), 0);
}

const optional = (config: Fields, key: string) => (config.has(key) ? { [key]: config.number(key) } : {});

function compareRun(name: string, entry: Fields, scaled: boolean): Comparison {
  const config = entry.object("config");
  if (!config) throw entry.fail(`"config" is missing`);
  const schedule = createScheduler(config).plan({
    steps: config.integer("steps"),
    ...(config.has("sigmas") && { sigmas: config.numbers("sigmas") }),
    ...optional(config, "mu"),
    ...optional(config, "eta"),
    ...optional(config, "strength"),
  });
  const latents = runBatch(schedule, {
    seed: config.integer("seed", 0, 0),
    scaled,
    begin: config.has("begin") ? config.integer("begin", 0, 0) : undefined,
  });
  const all = latents.flatMap((latent) => [...latent]);
  const [first, last] = [entry.numbers("first"), entry.numbers("last")];
  const sum = all.reduce((total, x) => total + Math.abs(x), 0);
  const expected = entry.number("sum");
  return {
    name,
    sum: Number.isNaN(sum)
      ? Number.POSITIVE_INFINITY
      : Math.abs(sum - expected) / Math.max(Math.abs(expected), Number.MIN_VALUE),
    elements: Math.max(largest(all.slice(0, first.length), first), largest(all.slice(-last.length), last)),
    timesteps: entry.has("timesteps") ? largest(schedule.timesteps, entry.numbers("timesteps")) : 0,
  };
}

/** Whether a file's runs go on with the scaled sample, as its `_about` says. */
function goesOnScaled(about: unknown): boolean {
  return typeof about === "string" && /after scale_model_input/.test(about) && !/unscaled/.test(about);
}

/**
 * Repeats the runs of a file of diffusers' results: `_about`, and for each name `config` (with `steps`, and where they
 * apply `seed`, `sigmas`, `mu`, `eta`, `strength`, `begin`), `sum`, `first`, `last`, `timesteps`. `scaled` overrides what `_about` says.
 */
export function compareFile(file: string, scaled?: boolean): (Comparison | Refusal)[] {
  const content = readJsonObject(file);
  const form = scaled ?? goesOnScaled(content._about);
  const runs = fieldsOf(content, file);
  const names = Object.keys(content).filter(
    (name) => runs.value(name) instanceof Object && !Array.isArray(runs.value(name)),
  );
  return names.map((name) => {
    try {
      const entry = runs.object(name);
      if (!entry) throw runs.fail(`"${name}" is missing`);
      return compareRun(name, entry, form);
    } catch (error) {
      if (!(error instanceof ModelFolderError) && !(error instanceof RangeError)) throw error;
      return { name, refusal: error.message };
    }
  });
}

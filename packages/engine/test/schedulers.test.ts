import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fieldsOf, readJsonObject } from "../src/folder/fields.ts";
import { createScheduler } from "../src/schedulers/create-scheduler.ts";
import type { Latent } from "../src/schedulers/scheduler.ts";

const goldens = fieldsOf(readJsonObject(import.meta.dirname, "schedulers.json"), "goldens");

/** The deterministic sample of diffusers' scheduler tests: arange(768)/768 as (3,8,8,4), permuted to (4,3,8,8). */
function testSample(): Latent {
  const sample = new Float32Array(768);
  for (let c = 0; c < 4; c++) for (let i = 0; i < 192; i++) sample[c * 192 + i] = (i * 4 + c) / 768;
  return sample;
}

const f = Math.fround;
/** The deterministic model of those tests. */
const testModel = (x: Latent, t: number): Latent => x.map((v) => f(f(v * t) / f(t + 1)));

function near(actual: number, expected: number, relative: number, what: string): void {
  const tolerance = relative * Math.max(Math.abs(expected), 1e-3);
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what}: ${actual} instead of ${expected}`);
}

function nearAll(actual: Iterable<number>, expected: readonly number[], relative: number, what: string): void {
  const values = [...actual];
  assert.equal(values.length, expected.length, what);
  for (const [i, value] of expected.entries()) near(values[i] ?? Number.NaN, value, relative, `${what}[${i}]`);
}

for (const name of ["fm_shift1", "fm_shift3", "euler", "euler_karras", "ddim"]) {
  test(`${name} gives diffusers' numbers`, () => {
    const golden = goldens.object(name);
    const config = golden?.object("config");
    assert.ok(golden && config);
    const schedule = createScheduler(config)(config.integer("steps"));
    // Karras timesteps go through logarithms of float32 sigmas, where an ulp shows in the fifth digit.
    nearAll(schedule.timesteps, golden.numbers("timesteps"), 2e-5, "timesteps");

    let sample: Latent = testSample().map((x) => x * schedule.initNoiseSigma);
    for (let i = 0; i < schedule.steps; i++) {
      // diffusers' test goes on with the scaled sample, unlike a pipeline.
      const scaled = schedule.scaleInput(sample, i);
      sample = schedule.step(testModel(scaled, schedule.timesteps[i] ?? 0), i, scaled);
    }
    let sum = 0;
    for (const x of sample) sum += Math.abs(x);
    near(sum, golden.number("sum"), 5e-6, "sum");
    const first = golden.numbers("first");
    const last = golden.numbers("last");
    nearAll(sample.slice(0, first.length), first, 2e-5, "first");
    nearAll(sample.slice(-last.length), last, 2e-5, "last");
  });
}

/** Their deterministic noise: the numbers of the sample in falling order. */
function testNoise(): Latent {
  const noise = new Float32Array(768);
  for (let c = 0; c < 4; c++) for (let i = 0; i < 192; i++) noise[c * 192 + i] = (767 - (i * 4 + c)) / 768;
  return noise;
}

// The sums are those of `test_full_loop_with_noise` in diffusers' tests of these schedulers.
for (const [name, sum] of [
  ["euler", 57062.9297],
  ["ddim", 354.5418],
] as const) {
  test(`${name} started in mid-run from a noised sample gives diffusers' sum`, () => {
    const config = goldens.object(name)?.object("config");
    assert.ok(config);
    const schedule = createScheduler(config)(10);
    const original: Latent = testSample().map((x) => x * schedule.initNoiseSigma);
    let sample = schedule.addNoise(original, testNoise(), 8);
    for (const i of [8, 9]) {
      const scaled = schedule.scaleInput(sample, i);
      sample = schedule.step(testModel(scaled, schedule.timesteps[i] ?? 0), i, scaled);
    }
    const total = sample.reduce((a, x) => a + Math.abs(x), 0);
    near(total, sum, 2e-6, "sum");
  });
}

describe("the x0 that a step predicts", () => {
  const config = { num_train_timesteps: 1000, beta_schedule: "scaled_linear", clip_sample: false };
  for (const _class_name of ["FlowMatchEulerDiscreteScheduler", "EulerDiscreteScheduler", "DDIMScheduler"]) {
    test(`${_class_name}: the last step arrives at it`, () => {
      const schedule = createScheduler(fieldsOf({ ...config, _class_name }, "config"))(5);
      const sample = testSample();
      const output = testModel(sample, 500);
      const original = schedule.predictOriginal(output, 4, sample);
      nearAll(schedule.step(output, 4, sample), [...original], 1e-4, "sample");
    });
  }
});

test("an unknown scheduler, prediction or option is refused by name", () => {
  const make = (fields: Record<string, unknown>) => () => createScheduler(fieldsOf(fields, "scheduler_config.json"));
  assert.throws(make({ _class_name: "PNDMScheduler" }), /scheduler_config.json: scheduler PNDMScheduler/);
  assert.throws(make({}), /"_class_name" is missing/);
  assert.throws(make({ _class_name: "DDIMScheduler", prediction_type: "x" }), /"prediction_type" x/);
  assert.throws(
    make({ _class_name: "FlowMatchEulerDiscreteScheduler", use_dynamic_shifting: true }),
    /use_dynamic_shifting/,
  );
});

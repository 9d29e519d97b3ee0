import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fieldsOf, readFields } from "../src/folder/fields.ts";
import { torchGenerator } from "../src/random/torch-generator.ts";
import { createScheduler } from "../src/schedulers/create-scheduler.ts";
import type { Latent, Schedule } from "../src/schedulers/scheduler.ts";
import { compareFile } from "./scheduler-run.ts";

const fixture = (name: string) => join(import.meta.dirname, "schedulers", name);

for (const name of ["scaled.json", "pipeline.json"]) {
  describe(`diffusers' runs of ${name}`, () => {
    for (const one of compareFile(fixture(name))) {
      test(`${one.name} gives diffusers' numbers`, () => {
        if ("refusal" in one) assert.fail(one.refusal);
        assert.ok(one.sum <= 1e-5, `sum is off by ${one.sum}`);
        assert.ok(one.elements <= 1e-5, `elements are off by ${one.elements}`);
        // Karras timesteps go through logarithms of float32 sigmas, where an ulp shows in the fifth digit.
        assert.ok(one.timesteps <= 2e-5, `timesteps are off by ${one.timesteps}`);
      });
    }
  });
}

const f = Math.fround;

/** The picture of diffusers' scheduler tests, as one latent. */
function testSample(): Latent {
  const sample = new Float32Array(768);
  for (let c = 0; c < 4; c++) for (let i = 0; i < 192; i++) sample[c * 192 + i] = (i * 4 + c) / 768;
  return sample;
}

/** Their noise: the numbers of the sample in falling order. */
function testNoise(): Latent {
  const noise = new Float32Array(768);
  for (let c = 0; c < 4; c++) for (let i = 0; i < 192; i++) noise[c * 192 + i] = (767 - (i * 4 + c)) / 768;
  return noise;
}

const testModel = (x: Latent, t: number): Latent => x.map((v) => f(f(v * t) / f(t + 1)));

/** Runs the evaluations from `first` on; like diffusers' tests it goes on with the scaled sample. */
function finish(schedule: Schedule, start: Latent, first: number): Latent {
  const run = schedule.begin(torchGenerator(0), first);
  let latent = start;
  for (const t of schedule.timesteps.slice(first)) {
    const seen = run.scaleInput(latent);
    latent = run.step(testModel(seen, t), seen);
  }
  return latent;
}

// The sums are those of `test_full_loop_with_noise` in diffusers' tests of these schedulers.
for (const [name, sum] of [
  ["euler", 57062.9297],
  ["ddim", 354.5418],
] as const) {
  test(`${name} started in mid-run from a noised sample gives diffusers' sum`, () => {
    const config = readFields(fixture("scaled.json")).object(name)?.object("config");
    assert.ok(config);
    const schedule = createScheduler(config).plan({ steps: 10 });
    const original: Latent = testSample().map((x) => x * schedule.initNoiseSigma);
    const latent = finish(schedule, schedule.addNoise(original, testNoise(), 8), 8);
    const total = latent.reduce((a, x) => a + Math.abs(x), 0);
    assert.ok(Math.abs(total - sum) <= 2e-6 * sum, `${total} instead of ${sum}`);
  });
}

describe("the x0 that a step predicts", () => {
  const config = { num_train_timesteps: 1000, beta_schedule: "scaled_linear", clip_sample: false };
  for (const _class_name of ["FlowMatchEulerDiscreteScheduler", "EulerDiscreteScheduler", "DDIMScheduler"]) {
    test(`${_class_name}: the last step arrives at it`, () => {
      const schedule = createScheduler(fieldsOf({ ...config, _class_name }, "config")).plan({ steps: 5 });
      const sample = testSample();
      const output = testModel(sample, 500);
      const run = schedule.begin(torchGenerator(0), 4);
      const original = run.predictOriginal(output, sample);
      for (const [i, x] of run.step(output, sample).entries()) {
        assert.ok(Math.abs(x - (original[i] ?? Number.NaN)) <= 1e-4 * Math.max(1, Math.abs(x)), `element ${i}`);
      }
    });
  }
});

test("an unknown scheduler, prediction or option is refused by file, key and value", () => {
  const make = (fields: Record<string, unknown>) => () => createScheduler(fieldsOf(fields, "scheduler_config.json"));
  assert.throws(
    make({ _class_name: "HeunDiscreteScheduler" }),
    /scheduler_config.json: scheduler HeunDiscreteScheduler/,
  );
  assert.throws(make({}), /"_class_name" is missing/);
  assert.throws(make({ _class_name: "DDIMScheduler", prediction_type: "x" }), /"prediction_type" is "x"/);
});

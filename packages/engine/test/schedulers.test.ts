import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fieldsOf, ModelFolderError, readFields } from "../src/folder/fields.ts";
import { torchGenerator } from "../src/random/torch-generator.ts";
import { createScheduler } from "../src/schedulers/create-scheduler.ts";
import type { Latent, Schedule } from "../src/schedulers/scheduler.ts";
import { compareFile } from "./scheduler-run.ts";

const fixture = (name: string) => join(import.meta.dirname, "schedulers", name);

for (const name of ["scaled.json", "pipeline.json", "broad.json"]) {
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

describe("a key that a class declares is built, or refused unless default", () => {
  const make = (name: string, fields: Record<string, unknown>) => () =>
    createScheduler(fieldsOf({ _class_name: `${name}Scheduler`, ...fields }, "scheduler_config.json"));
  for (const [name, fields, said] of [
    [
      "DDIM",
      { beta_schedule: "sigmoid" },
      /scheduler_config.json: "beta_schedule" is "sigmoid".*use linear, scaled_linear/,
    ],
    ["DDIM", { timestep_spacing: "log" }, /"timestep_spacing" is "log"/],
    [
      "DDIM",
      { rescale_betas_zero_snr: true, clip_sample: false, timestep_spacing: "trailing" },
      /"rescale_betas_zero_snr" is true/,
    ],
    ["PNDM", { prediction_type: "sample" }, /"prediction_type" is "sample"/],
    ["EulerDiscrete", { final_sigmas_type: "one" }, /"final_sigmas_type" is "one"/],
    ["EulerDiscrete", { use_karras_sigmas: true, use_beta_sigmas: true }, /"use_karras_sigmas" and "use_beta_sigmas"/],
    ["EulerDiscrete", { timestep_type: "fractional" }, /"timestep_type" is "fractional"/],
    ["EulerAncestralDiscrete", { prediction_type: "sample" }, /"prediction_type" is "sample"/],
    ["DPMSolverMultistep", { solver_order: 4 }, /"solver_order" is 4/],
    ["DPMSolverMultistep", { variance_type: "learned_range" }, /"variance_type" is "learned_range"/],
    ["DPMSolverMultistep", { algorithm_type: "dpmsolver" }, /"final_sigmas_type" is "zero", which dpmsolver/],
    ["DPMSolverMultistep", { time_shift_type: "linear" }, /"time_shift_type" is "linear"/],
    ["UniPCMultistep", { solver_type: "bh1" }, /"solver_type" is "bh1"/],
    ["UniPCMultistep", { solver_p: { order: 1 } }, /"solver_p" is \{"order":1\}/],
    ["UniPCMultistep", { shift_terminal: 0.1 }, /"shift_terminal" is 0.1/],
    ["LCM", { original_inference_steps: 2000 }, /"original_inference_steps" is 2000/],
    ["FlowMatchEulerDiscrete", { time_shift_type: "cubic" }, /"time_shift_type" is "cubic"/],
    ["FlowMatchEulerDiscrete", { shift: 0 }, /"shift" is 0/],
    ["FlowMatchEulerDiscrete", { shift: "3" }, /"shift" must be a number/],
  ] as const) {
    test(`${name} ${JSON.stringify(fields)} is refused`, () => {
      assert.throws(
        make(name, fields),
        (error: unknown) => error instanceof ModelFolderError && said.test(error.message),
      );
    });
  }

  test("keys of other classes are ignored", () => {
    make("EulerDiscrete", { skip_prk_steps: true, clip_sample: 7, sample_max_value: "x", solver_type: "bh9" })();
    make("FlowMatchEulerDiscrete", { beta_schedule: "sigmoid", prediction_type: "x" })();
  });
});

test("another class can be created with the options of a model's file", () => {
  const file = fieldsOf({ _class_name: "PNDMScheduler", skip_prk_steps: true, beta_schedule: "scaled_linear" }, "file");
  assert.equal(createScheduler(file, "UniPCMultistepScheduler").name, "UniPCMultistepScheduler");
});

describe("the command that repeats a file of runs", () => {
  const command = (...files: string[]) =>
    spawnSync(
      process.execPath,
      ["--conditions=atoma-source", join(import.meta.dirname, "../../../bench/engine/schedulers.ts"), ...files],
      {
        encoding: "utf8",
      },
    );

  test("prints name, error of the sum and error of the elements of each, and ends with 0", () => {
    const { stdout, status } = command(fixture("scaled.json"), fixture("pipeline.json"));
    assert.match(stdout, /^dpmpp_flow_sana +sum +\d\.\de-\d+ +elements +\d\.\de[+-]\d+$/m);
    assert.match(stdout, /26 of 26 within/);
    assert.equal(status, 0);
  });

  test("ends with 1 where a run is off or refused", () => {
    const folder = mkdtempSync(join(tmpdir(), "atoma-runs-"));
    try {
      const file = join(folder, "runs.json");
      const config = { _class_name: "LCMScheduler", steps: 60 };
      const { lcm_4: run } = JSON.parse(readFileSync(fixture("pipeline.json"), "utf8"));
      writeFileSync(file, JSON.stringify({ off: { ...run, sum: run.sum * 1.0001 }, refused: { ...run, config } }));
      const { stdout, status } = command(file);
      assert.match(stdout, /^off .*ABOVE 1e-5$/m);
      assert.match(stdout, /^refused .*LCMScheduler takes at most 50 steps here, not 60$/m);
      assert.equal(status, 1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

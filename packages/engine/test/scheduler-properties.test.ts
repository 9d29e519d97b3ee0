import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fieldsOf } from "../src/folder/fields.ts";
import type { Generator } from "../src/random/generator.ts";
import { mt19937 } from "../src/random/mt19937.ts";
import { torchGenerator } from "../src/random/torch-generator.ts";
import { createScheduler } from "../src/schedulers/create-scheduler.ts";
import type { Latent } from "../src/schedulers/scheduler.ts";
import { type SlowConfig, slowRun } from "./slow-schedulers.ts";

const CLASSES = [
  "DDIMScheduler",
  "PNDMScheduler",
  "EulerDiscreteScheduler",
  "EulerAncestralDiscreteScheduler",
  "DPMSolverMultistepScheduler",
  "UniPCMultistepScheduler",
  "LCMScheduler",
  "FlowMatchEulerDiscreteScheduler",
];
const RUNS = 60;

/** Draws choices from a seed, so that a failure can be repeated. */
function dice(seed: number) {
  const next = mt19937(seed);
  const below = (count: number) => next() % count;
  return {
    between: (low: number, high: number) => low + below(high - low + 1),
    share: () => next() / 2 ** 32,
    pick: <T>(values: readonly [T, ...T[]]): T => values[below(values.length)] ?? values[0],
  };
}

function randomConfig(name: string, seed: number): SlowConfig {
  const { between, share, pick } = dice(seed);
  return {
    class: name,
    steps: between(name === "PNDMScheduler" ? 2 : 1, name === "LCMScheduler" ? 12 : 40),
    spacing: pick(["linspace", "leading", "trailing"]),
    prediction: pick(["epsilon", "v_prediction"]),
    offset: pick([0, 1]),
    eta: pick([0, 0.5, 1]),
    karras: pick([true, false]),
    heun: pick([true, false]),
    stochastic: pick([true, false]),
    shift: pick([0.7, 1, 3, 1 + 5 * share()]),
  };
}

function schedulerOf(config: SlowConfig) {
  const flow = config.class === "FlowMatchEulerDiscreteScheduler";
  const fields = {
    _class_name: config.class,
    ...(flow
      ? { shift: config.shift }
      : {
          beta_start: 0.00085,
          beta_end: 0.012,
          beta_schedule: "scaled_linear",
          timestep_spacing: config.spacing,
          prediction_type: config.prediction,
          steps_offset: config.offset,
          clip_sample: false,
          set_alpha_to_one: false,
          skip_prk_steps: true,
          use_karras_sigmas: config.karras,
          ...(config.class.startsWith("DPM") && {
            solver_type: config.heun ? "heun" : "midpoint",
            algorithm_type: config.stochastic ? "sde-dpmsolver++" : "dpmsolver++",
          }),
        }),
  };
  return createScheduler(fieldsOf(fields, "config"));
}

/** Numbers of both signs, with a noise stream of its own each. */
const STARTS = [-1.7, -0.4, 0.003, 0.9, 2.2];

const network = (x: Latent, t: number): Latent => x.map((v) => (v * t) / (t + 1));

for (const name of CLASSES) {
  describe(`${name} in float32 is its formulas in float64`, () => {
    for (let seed = 0; seed < RUNS; seed++) {
      const config = randomConfig(name, seed);
      test(JSON.stringify({ seed, ...config }), () => {
        const schedule = schedulerOf(config).plan({ steps: config.steps, eta: config.eta });
        const draws: Latent[] = [];
        const source = torchGenerator(seed);
        const recorded: Generator = {
          normals: (count) => {
            const drawn = source.normals(count);
            draws.push(drawn);
            return drawn;
          },
        };
        const run = schedule.begin(recorded);
        let latent: Latent = Float32Array.from(STARTS, (x) => x * schedule.initNoiseSigma);
        for (const t of schedule.timesteps) latent = run.step(network(run.scaleInput(latent), t), latent);
        for (const [i, start] of STARTS.entries()) {
          let drawn = 0;
          const expected = slowRun(config, start, () => draws[drawn++]?.[i] ?? Number.NaN);
          const error = Math.abs((latent[i] ?? Number.NaN) - expected) / Math.max(1, Math.abs(expected));
          assert.ok(error <= 2e-4, `${latent[i]} instead of ${expected} from ${start}`);
          if (draws.length > 0) assert.equal(drawn, draws.length, "draws of fresh noise");
        }
      });
    }
  });
}

describe("what every schedule promises", () => {
  for (const name of CLASSES) {
    test(`${name}: one plan serves runs beside each other, and a run begun later is the rest of one`, () => {
      const schedule = schedulerOf(randomConfig(name, 3)).plan({ steps: 9 });
      const evaluate = (latents: Latent[], runs: ReturnType<typeof schedule.begin>[], t: number) =>
        runs.map((run, i) => {
          const latent = latents[i] ?? new Float32Array();
          return run.step(network(run.scaleInput(latent), t), latent);
        });
      const start = (seed: number) => torchGenerator(seed).normals(32);
      const alone = [1, 2].map((seed) => {
        const run = schedule.begin(torchGenerator(seed));
        let latent: Latent = start(seed);
        for (const t of schedule.timesteps) [latent = latent] = evaluate([latent], [run], t);
        return latent;
      });
      const runs = [1, 2].map((seed) => schedule.begin(torchGenerator(seed)));
      let beside = [start(1), start(2)];
      for (const t of schedule.timesteps) beside = evaluate(beside, runs, t);
      assert.deepEqual(beside, alone);
    });

    test(`${name}: more steps than it can take are refused by name`, () => {
      const scheduler = schedulerOf(randomConfig(name, 3));
      scheduler.plan({ steps: scheduler.maxSteps });
      if (name !== "FlowMatchEulerDiscreteScheduler") {
        assert.throws(() => scheduler.plan({ steps: scheduler.maxSteps + 1 }), new RegExp(`${name} takes at most`));
      }
    });
  }
});

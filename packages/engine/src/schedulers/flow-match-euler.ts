import type { Fields } from "../folder/fields.ts";
import { at, combine, linspace, weighted } from "./arithmetic.ts";
import { type Round, shifted, stretched, timeShifted } from "./flow-shift.ts";
import { IMAGE_SHIFT, shiftOf } from "./image-shift.ts";
import type { Scheduler } from "./scheduler.ts";
import { decimal, flag, oneOf, optionalDecimal, readSettings, whole } from "./settings.ts";
import { checkRespacing, RESPACING, respaced } from "./sigma-spacing.ts";

const { fround } = Math;
const NAME = "FlowMatchEulerDiscreteScheduler";

const KEYS = {
  ...RESPACING,
  ...IMAGE_SHIFT,
  num_train_timesteps: whole(1000),
  shift: decimal(1),
  invert_sigmas: flag(false),
  shift_terminal: optionalDecimal,
  time_shift_type: oneOf("exponential", "exponential", "linear"),
  stochastic_sampling: flag(false),
};

/**
 * Euler steps along a rectified flow: the network gives the velocity v = ε − x0 and x' = x + (σ' − σ)·v. After diffusers'
 * `FlowMatchEulerDiscreteScheduler`, with its peculiarity that the smallest sigma is shifted twice where the pipeline
 * gives none.
 */
export function flowMatchEuler(config: Fields): Scheduler {
  const settings = readSettings(config, KEYS);
  checkRespacing(config, settings);
  const { num_train_timesteps: trainSteps, shift, use_dynamic_shifting: dynamic, shift_terminal: terminal } = settings;
  if (shift <= 0) throw config.fail(`"shift" is ${shift}; it must be above 0`);

  const trained = (t: number) => {
    const sigma = fround(t / trainSteps);
    return dynamic ? sigma : shifted(sigma, shift, fround);
  };

  function levels(steps: number, given: readonly number[] | undefined, mu: number): number[] {
    // numpy computes in float32 with the pipeline's sigmas, in float64 with its own.
    const round: Round = given ? fround : (x) => x;
    const plain =
      given?.map(fround) ??
      linspace(trained(trainSteps) * trainSteps, trained(1) * trainSteps, steps).map((t) => t / trainSteps);
    const moved = plain.map((sigma) =>
      dynamic ? timeShifted(sigma, mu, settings.time_shift_type, round) : shifted(sigma, shift, round),
    );
    const sigmas = terminal ? stretched(moved, terminal, round) : moved;
    const ends = { high: at(sigmas, 0), low: at(sigmas, sigmas.length - 1) };
    return respaced(settings, ends, steps) ?? sigmas;
  }

  return {
    name: NAME,
    maxSteps: trainSteps,
    plan: (options) => {
      const { steps, sigmas: given } = options;
      if (given && given.length !== steps) throw new RangeError(`${given.length} sigmas for ${steps} steps`);
      const falling = Float32Array.from(levels(steps, given, dynamic ? shiftOf(settings, options) : 0));
      const inner = settings.invert_sigmas ? falling.map((sigma) => 1 - sigma) : falling;
      const sigmas = Float32Array.from([...inner, settings.invert_sigmas ? 1 : 0]);
      return {
        timesteps: inner.map((sigma) => sigma * trainSteps),
        sigmas,
        initNoiseSigma: 1,
        addNoise: (original, noise, i) => {
          const sigma = at(sigmas, i);
          return weighted([sigma, noise], [1 - sigma, original]);
        },
        begin: (generator, first = 0) => {
          let i = first;
          return {
            scaleInput: (latent) => latent,
            predictOriginal: (output, latent) => {
              const sigma = at(sigmas, i);
              return combine(latent, output, (x, v) => x - fround(sigma * v));
            },
            step: (output, latent) => {
              const sigma = at(sigmas, i);
              const next = at(sigmas, ++i);
              const change = fround(next - sigma);
              if (!settings.stochastic_sampling) return combine(latent, output, (x, v) => x + fround(change * v));
              const original = combine(latent, output, (x, v) => x - fround(sigma * v));
              return weighted([1 - next, original], [next, generator.normals(latent.length)]);
            },
          };
        },
      };
    },
  };
}

import type { Fields } from "../folder/fields.ts";
import { at, combine, linspace, type Scheduler } from "./scheduler.ts";

/** Options of the published scheduler that change its sigmas and that are not built here. */
const UNSUPPORTED = ["use_dynamic_shifting", "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"];

/**
 * Euler steps along a rectified flow: the network gives the velocity v = ε − x0 and z' = z + (σ' − σ)·v.
 * After diffusers' `FlowMatchEulerDiscreteScheduler`, with its peculiarity that the smallest sigma is shifted twice.
 */
export function flowMatchEuler(config: Fields): Scheduler {
  for (const option of [...UNSUPPORTED, "invert_sigmas", "stochastic_sampling"]) {
    if (config.boolean(option, false)) throw config.fail(`"${option}" is not supported`);
  }
  if (config.has("shift_terminal")) throw config.fail(`"shift_terminal" is not supported`);
  const trainSteps = config.integer("num_train_timesteps", 1000);
  const shift = config.number("shift", 1);
  if (shift <= 0) throw config.fail(`"shift" must be above 0`);
  const shifted = (sigma: number) => (shift * sigma) / (1 + (shift - 1) * sigma);
  const { fround } = Math;
  const sigmaMin = fround(shifted(fround(1 / trainSteps)));

  return (steps) => {
    const sigmas = new Float32Array(steps + 1);
    const plan = linspace(trainSteps, sigmaMin * trainSteps, steps).map((t) => shifted(t / trainSteps));
    sigmas.set(plan);
    const timesteps = sigmas.slice(0, steps).map((sigma) => sigma * trainSteps);
    return {
      steps,
      timesteps,
      initNoiseSigma: 1,
      scaleInput: (sample) => sample,
      predictOriginal: (output, i, sample) => {
        const sigma = at(sigmas, i);
        return combine(sample, output, (z, v) => z - sigma * v);
      },
      addNoise: (original, noise, i) => {
        const sigma = at(sigmas, i);
        return combine(original, noise, (x0, e) => fround(sigma * e) + fround(fround(1 - sigma) * x0));
      },
      step: (output, i, sample) => {
        const change = fround(at(sigmas, i + 1) - at(sigmas, i));
        return combine(sample, output, (z, v) => z + fround(change * v));
      },
    };
  };
}

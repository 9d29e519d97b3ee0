import type { Fields } from "../folder/fields.ts";
import { alphasCumprod, spacedTimesteps } from "./noise-levels.ts";
import { predictionType } from "./prediction-type.ts";
import { at, combine, type Latent, type Scheduler } from "./scheduler.ts";

const { fround } = Math;
const RHO = 7;

/** The value of `values` at a fractional index. */
function interpolate(values: readonly number[], index: number): number {
  const low = Math.min(Math.max(Math.floor(index), 0), values.length - 1);
  const high = Math.min(low + 1, values.length - 1);
  const a = values[low] ?? 0;
  return a + ((values[high] ?? 0) - a) * (index - low);
}

/** The fractional training timestep whose sigma this is; `logSigmas` rise. */
function timestepOf(sigma: number, logSigmas: readonly number[]): number {
  const target = Math.log(Math.max(sigma, 1e-10));
  let low = 0;
  while (low < logSigmas.length - 2 && (logSigmas[low + 1] ?? 0) <= target) low++;
  const a = logSigmas[low] ?? 0;
  const b = logSigmas[low + 1] ?? a + 1;
  return low + Math.min(Math.max((target - a) / (b - a), 0), 1);
}

/** Karras et al. (2022), equation 5, between the ends of `sigmas`. */
function karras(sigmas: readonly number[]): number[] {
  const high = (sigmas[0] ?? 0) ** (1 / RHO);
  const low = (sigmas.at(-1) ?? 0) ** (1 / RHO);
  const last = Math.max(sigmas.length - 1, 1);
  return sigmas.map((_, i) => (high + (i / last) * (low - high)) ** RHO);
}

/**
 * Euler's method on the probability-flow equation in sigma space (Karras et al., 2022, algorithm 2 without churn), after
 * diffusers' `EulerDiscreteScheduler`.
 */
export function eulerDiscrete(config: Fields): Scheduler {
  for (const option of ["use_exponential_sigmas", "use_beta_sigmas"]) {
    if (config.boolean(option, false)) throw config.fail(`"${option}" is not supported`);
  }
  if (config.string("interpolation_type", "linear") !== "linear") {
    throw config.fail(`"interpolation_type" must be linear`);
  }
  if (config.string("final_sigmas_type", "zero") !== "zero") throw config.fail(`"final_sigmas_type" must be zero`);
  const prediction = predictionType(config);
  const trainSigmas = Array.from(alphasCumprod(config), (a) => fround(Math.sqrt(fround(fround(1 - a) / a))));
  const logSigmas = trainSigmas.map((sigma) => fround(Math.log(sigma)));
  const useKarras = config.boolean("use_karras_sigmas", false);
  const leading = config.string("timestep_spacing", "linspace") === "leading";

  return (steps) => {
    const spaced = spacedTimesteps(config, steps, trainSigmas.length, "linspace").map(fround);
    const plain = spaced.map((t) => interpolate(trainSigmas, t));
    const chosen = useKarras ? karras(plain) : plain;
    const sigmas = new Float32Array([...chosen, 0]);
    const timesteps = Float32Array.from(useKarras ? chosen.map((s) => timestepOf(s, logSigmas)) : spaced);
    const sigmaMax = at(sigmas, 0);

    const predictOriginal = (output: Latent, i: number, sample: Latent): Latent => {
      const sigma = at(sigmas, i);
      if (prediction === "sample") return output;
      if (prediction === "epsilon") return combine(sample, output, (x, e) => x - fround(sigma * e));
      const square = sigma ** 2 + 1;
      return combine(sample, output, (x, v) => x / square - (v * sigma) / Math.sqrt(square));
    };
    return {
      steps,
      timesteps,
      initNoiseSigma: leading ? Math.sqrt(sigmaMax ** 2 + 1) : sigmaMax,
      scaleInput: (sample, i) => {
        const scale = fround(Math.sqrt(fround(fround(at(sigmas, i) ** 2) + 1)));
        return sample.map((x) => x / scale);
      },
      predictOriginal,
      addNoise: (original, noise, i) => {
        const sigma = at(sigmas, i);
        return combine(original, noise, (x0, e) => x0 + fround(e * sigma));
      },
      step: (output, i, sample) => {
        const sigma = at(sigmas, i);
        const change = fround(at(sigmas, i + 1) - sigma);
        const original = predictOriginal(output, i, sample);
        return combine(sample, original, (x, x0) => x + fround(fround(fround(x - x0) / sigma) * change));
      },
    };
  };
}

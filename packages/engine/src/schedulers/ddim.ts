import type { Fields } from "../folder/fields.ts";
import { alphasCumprod, spacedTimesteps } from "./noise-levels.ts";
import { predictionType } from "./prediction-type.ts";
import { combine, type Latent, type Scheduler } from "./scheduler.ts";

const { fround } = Math;

/** Denoising diffusion implicit models (Song et al., 2020), equation 12 with η = 0, after diffusers' `DDIMScheduler`. */
export function ddim(config: Fields): Scheduler {
  if (config.boolean("thresholding", false)) throw config.fail(`"thresholding" is not supported`);
  const prediction = predictionType(config);
  const alphas = alphasCumprod(config);
  const range = config.boolean("clip_sample", true)
    ? config.number("clip_sample_range", 1, 0)
    : Number.POSITIVE_INFINITY;
  const finalAlpha = config.boolean("set_alpha_to_one", true) ? 1 : (alphas[0] ?? 1);
  const clip = (x: number) => Math.min(Math.max(x, -range), range);

  return (steps) => {
    const spaced = spacedTimesteps(config, steps, alphas.length, "leading").map(Math.round);
    const stride = Math.floor(alphas.length / steps);
    /** Square roots of signal and noise share before and after step i. */
    const levels = (i: number) => {
      const t = spaced[i];
      const alpha = t === undefined ? undefined : alphas[t];
      if (t === undefined || alpha === undefined) throw new RangeError(`step ${i} has no training timestep`);
      const next = alphas[t - stride] ?? finalAlpha;
      const root = (x: number) => fround(Math.sqrt(fround(x)));
      return { signal: root(alpha), noise: root(1 - alpha), nextSignal: root(next), nextNoise: root(1 - next) };
    };
    const original = (output: Latent, i: number, sample: Latent): Latent => {
      const { signal, noise } = levels(i);
      switch (prediction) {
        case "epsilon":
          return combine(sample, output, (x, e) => clip(fround(x - fround(noise * e)) / signal));
        case "v_prediction":
          return combine(sample, output, (x, v) => clip(signal * x - noise * v));
        case "sample":
          return output.map(clip);
      }
    };
    const epsilon = (output: Latent, i: number, sample: Latent): Latent => {
      const { signal, noise } = levels(i);
      switch (prediction) {
        case "epsilon":
          return output;
        case "v_prediction":
          return combine(sample, output, (x, v) => signal * v + noise * x);
        case "sample":
          return combine(sample, output, (x, x0) => (x - signal * x0) / noise);
      }
    };
    return {
      steps,
      timesteps: Float32Array.from(spaced),
      initNoiseSigma: 1,
      scaleInput: (sample) => sample,
      predictOriginal: original,
      addNoise: (x0, noise, i) => {
        if (i === steps) return x0;
        const level = levels(i);
        return combine(x0, noise, (x, e) => fround(level.signal * x) + fround(level.noise * e));
      },
      step: (output, i, sample) => {
        const { nextSignal, nextNoise } = levels(i);
        return combine(
          original(output, i, sample),
          epsilon(output, i, sample),
          (x0, e) => fround(nextSignal * x0) + fround(nextNoise * e),
        );
      },
    };
  };
}

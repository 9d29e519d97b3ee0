import type { Fields } from "../folder/fields.ts";
import { at, combine, root32, roundHalfEven, weighted } from "./arithmetic.ts";
import { alphasCumprod, TRAINING } from "./noise-levels.ts";
import type { Latent, Scheduler } from "./scheduler.ts";
import { decimal, flag, oneOf, readSettings } from "./settings.ts";
import { THRESHOLDING } from "./threshold.ts";
import { checkSteps, spacedTimesteps, spacingKeys } from "./timesteps.ts";
import { alphaAt, bounded, refuseNoSignal, vpNoised, vpOriginal } from "./variance-preserving.ts";

const { fround } = Math;
const NAME = "DDIMScheduler";

const KEYS = {
  ...TRAINING,
  ...THRESHOLDING,
  ...spacingKeys("leading"),
  prediction_type: oneOf("epsilon", "epsilon", "v_prediction", "sample"),
  clip_sample: flag(true),
  clip_sample_range: decimal(1, 0),
  set_alpha_to_one: flag(true),
  rescale_betas_zero_snr: flag(false),
};

/** Denoising diffusion implicit models (Song et al., 2020, equation 12), after diffusers' `DDIMScheduler`. */
export function ddim(config: Fields): Scheduler {
  const settings = readSettings(config, KEYS);
  const { prediction_type: prediction, rescale_betas_zero_snr: zeroSnr } = settings;
  refuseNoSignal(config, settings);
  const alphas = alphasCumprod(settings, zeroSnr ? "zero" : "none");
  const final = settings.set_alpha_to_one ? 1 : at(alphas, 0);

  return {
    name: NAME,
    maxSteps: alphas.length,
    plan: ({ steps, eta = 0 }) => {
      checkSteps(steps, alphas.length, NAME);
      // Timestep −1 is an accident of rounding, and stands for pure noise in the reference.
      const timesteps = Float32Array.from(
        spacedTimesteps(settings, steps)
          .map(roundHalfEven)
          .filter((t) => t >= 0),
      );
      const stride = Math.floor(alphas.length / steps);
      const levels = (i: number) => {
        const t = at(timesteps, i);
        const alpha = alphaAt(alphas, t, final);
        return { alpha, next: alphaAt(alphas, t - stride, final), signal: root32(alpha), noise: root32(1 - alpha) };
      };
      const epsilon = (output: Latent, i: number, latent: Latent): Latent => {
        const { signal, noise } = levels(i);
        switch (prediction) {
          case "epsilon":
            return output;
          case "v_prediction":
            return weighted([signal, output], [noise, latent]);
          case "sample":
            return combine(latent, output, (x, x0) => fround(x - fround(signal * x0)) / noise);
        }
      };
      const original = (output: Latent, i: number, latent: Latent) =>
        bounded(vpOriginal(prediction, levels(i), output, latent), settings);
      /** Standard deviation of the fresh noise of step i. */
      const deviation = (i: number) => {
        const { alpha, next } = levels(i);
        const variance = fround(fround(fround(1 - next) / fround(1 - alpha)) * fround(1 - fround(alpha / next)));
        return fround(fround(eta) * root32(variance));
      };
      return {
        timesteps,
        initNoiseSigma: 1,
        addNoise: (x0, noise, i) => (i === timesteps.length ? x0 : vpNoised(x0, noise, levels(i).alpha)),
        begin: (generator, first = 0) => {
          let i = first;
          return {
            scaleInput: (latent) => latent,
            predictOriginal: (output, latent) => original(output, i, latent),
            step: (output, latent) => {
              const { next } = levels(i);
              const fresh = eta > 0 ? deviation(i) : 0;
              const direction = root32(fround(fround(1 - next) - fround(fresh * fresh)));
              const terms = [
                [root32(next), original(output, i, latent)],
                [direction, epsilon(output, i, latent)],
              ] as const;
              i++;
              return eta > 0 ? weighted(...terms, [fresh, generator.normals(latent.length)]) : weighted(...terms);
            },
          };
        },
      };
    },
  };
}

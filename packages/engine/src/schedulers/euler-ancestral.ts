import type { Fields } from "../folder/fields.ts";
import { at, root32, square32, weighted } from "./arithmetic.ts";
import { alphasCumprod, TRAINING, trainingSigmas } from "./noise-levels.ts";
import type { Scheduler } from "./scheduler.ts";
import { flag, oneOf, readSettings } from "./settings.ts";
import { eulerStep, initialSigma, sigmaNoised, sigmaOriginal, unitVariance } from "./sigma-space.ts";
import { interpolate } from "./sigma-spacing.ts";
import { checkSteps, spacedTimesteps, spacingKeys } from "./timesteps.ts";

const { fround } = Math;
const NAME = "EulerAncestralDiscreteScheduler";

const KEYS = {
  ...TRAINING,
  ...spacingKeys("linspace"),
  prediction_type: oneOf("epsilon", "epsilon", "v_prediction"),
  rescale_betas_zero_snr: flag(false),
};

/** How a step from one sigma to another divides into a step down and fresh noise. */
function ancestral(from: number, to: number): { readonly down: number; readonly up: number } {
  const [from2, to2] = [square32(from), square32(to)];
  const up = root32(fround(to2 * fround(from2 - to2)) / from2);
  return { up, down: root32(to2 - square32(up)) };
}

/**
 * Euler steps that go too far down and add fresh noise, also, of size 0, in the last step (Crowson's k-diffusion), after
 * diffusers' `EulerAncestralDiscreteScheduler`.
 */
export function eulerAncestral(config: Fields): Scheduler {
  const settings = readSettings(config, KEYS);
  const { prediction_type: prediction } = settings;
  const trained = trainingSigmas(alphasCumprod(settings, settings.rescale_betas_zero_snr ? "almost zero" : "none"));
  return {
    name: NAME,
    maxSteps: trained.length,
    plan: ({ steps }) => {
      checkSteps(steps, trained.length, NAME);
      const timesteps = Float32Array.from(spacedTimesteps(settings, steps));
      const sigmas = Float32Array.from([...Array.from(timesteps, (t) => interpolate(trained, t)), 0]);
      return {
        timesteps,
        sigmas,
        initNoiseSigma: initialSigma(sigmas, settings.timestep_spacing),
        addNoise: (original, noise, i) => sigmaNoised(original, noise, at(sigmas, i)),
        begin: (generator, first = 0) => {
          let i = first;
          return {
            scaleInput: (latent) => unitVariance(latent, at(sigmas, i)),
            predictOriginal: (output, latent) => sigmaOriginal(prediction, at(sigmas, i), output, latent),
            step: (output, latent) => {
              const sigma = at(sigmas, i);
              const original = sigmaOriginal(prediction, sigma, output, latent);
              const { up, down } = ancestral(sigma, at(sigmas, ++i));
              const stepped = eulerStep(latent, original, sigma, fround(down - sigma));
              return weighted([1, stepped], [up, generator.normals(latent.length)]);
            },
          };
        },
      };
    },
  };
}

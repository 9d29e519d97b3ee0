import type { Fields } from "../folder/fields.ts";
import { at, linspace, root32, square32, weighted } from "./arithmetic.ts";
import { alphasCumprod, TRAINING } from "./noise-levels.ts";
import { type Latent, type Scheduler, StepsError } from "./scheduler.ts";
import { decimal, flag, oneOf, readSettings, whole } from "./settings.ts";
import { THRESHOLDING } from "./threshold.ts";
import { alphaAt, bounded, refuseNoSignal, vpNoised, vpOriginal } from "./variance-preserving.ts";

const { fround } = Math;
const NAME = "LCMScheduler";
/** Variance of the data in the boundary condition: σ_data = 0.5. */
const DATA_VARIANCE = 0.25;

const KEYS = {
  ...TRAINING,
  ...THRESHOLDING,
  beta_start: decimal(0.00085, 0),
  beta_end: decimal(0.012, 0),
  beta_schedule: oneOf("scaled_linear", "linear", "scaled_linear", "squaredcos_cap_v2"),
  prediction_type: oneOf("epsilon", "epsilon", "v_prediction", "sample"),
  original_inference_steps: whole(50),
  clip_sample: flag(false),
  clip_sample_range: decimal(1, 0),
  set_alpha_to_one: flag(true),
  timestep_scaling: decimal(10, 0),
  rescale_betas_zero_snr: flag(false),
};

/** Multistep sampling of a latent consistency model (Luo et al., 2023), after diffusers' `LCMScheduler`. */
export function lcm(config: Fields): Scheduler {
  const settings = readSettings(config, KEYS);
  const {
    prediction_type: prediction,
    original_inference_steps: trainSteps,
    rescale_betas_zero_snr: zeroSnr,
  } = settings;
  refuseNoSignal(config, settings);
  const alphas = alphasCumprod(settings, zeroSnr ? "zero" : "none");
  if (trainSteps > alphas.length) {
    throw config.fail(`"original_inference_steps" is ${trainSteps}, more than the ${alphas.length} training timesteps`);
  }
  const final = settings.set_alpha_to_one ? 1 : at(alphas, 0);
  const scaling = fround(settings.timestep_scaling);

  /** The finished latent by the consistency function: c_out · x0 + c_skip · x. */
  function consistent(latent: Latent, original: Latent, t: number): Latent {
    const scaled = fround(t * scaling);
    const sum = fround(square32(scaled) + DATA_VARIANCE);
    return weighted([scaled / root32(sum), original], [DATA_VARIANCE / sum, latent]);
  }

  return {
    name: NAME,
    maxSteps: trainSteps,
    plan: ({ steps, strength = 1 }) => {
      const stride = Math.floor(alphas.length / trainSteps);
      const trained = Array.from(
        { length: Math.floor(trainSteps * strength) },
        (_, i) => (i + 1) * stride - 1,
      ).reverse();
      if (steps > trained.length)
        throw new StepsError(`${NAME} takes at most ${trained.length} steps here, not ${steps}`);
      const places = linspace(0, trained.length, steps + 1).slice(0, -1);
      const timesteps = Float32Array.from(places, (place) => at(trained, Math.floor(place)));
      const alpha = (i: number) => alphaAt(alphas, at(timesteps, i), final);
      const original = (output: Latent, i: number, latent: Latent) => {
        const levels = { signal: root32(alpha(i)), noise: root32(1 - alpha(i)) };
        return bounded(vpOriginal(prediction, levels, output, latent), settings);
      };
      return {
        timesteps,
        initNoiseSigma: 1,
        addNoise: (x0, noise, i) => (i === timesteps.length ? x0 : vpNoised(x0, noise, alpha(i))),
        begin: (generator, first = 0) => {
          let i = first;
          return {
            scaleInput: (latent) => latent,
            predictOriginal: (output, latent) => original(output, i, latent),
            step: (output, latent) => {
              const denoised = consistent(latent, original(output, i, latent), at(timesteps, i));
              i++;
              if (i === timesteps.length) return denoised;
              return vpNoised(denoised, generator.normals(latent.length), alpha(i));
            },
          };
        },
      };
    },
  };
}

import type { Fields } from "../folder/fields.ts";
import { at, linspace32 } from "./arithmetic.ts";
import { alphasCumprod, TRAINING, trainingSigmas } from "./noise-levels.ts";
import type { Scheduler } from "./scheduler.ts";
import { flag, oneOf, readSettings } from "./settings.ts";
import { eulerStep, initialSigma, sigmaNoised, sigmaOriginal, unitVariance } from "./sigma-space.ts";
import { checkRespacing, interpolate, RESPACING, respaced, timestepOf } from "./sigma-spacing.ts";
import { checkSteps, spacedTimesteps, spacingKeys } from "./timesteps.ts";

const { fround } = Math;
const NAME = "EulerDiscreteScheduler";

const KEYS = {
  ...TRAINING,
  ...RESPACING,
  ...spacingKeys("linspace"),
  prediction_type: oneOf("epsilon", "epsilon", "v_prediction", "sample"),
  interpolation_type: oneOf("linear", "linear", "log_linear"),
  timestep_type: oneOf("discrete", "discrete", "continuous"),
  final_sigmas_type: oneOf("zero", "zero", "sigma_min"),
  rescale_betas_zero_snr: flag(false),
};

/**
 * Euler's method on the probability-flow equation in sigma space (Karras et al., 2022, algorithm 2 without churn), after
 * diffusers' `EulerDiscreteScheduler`.
 */
export function eulerDiscrete(config: Fields): Scheduler {
  const settings = readSettings(config, KEYS);
  checkRespacing(config, settings);
  const { prediction_type: prediction } = settings;
  const trained = trainingSigmas(alphasCumprod(settings, settings.rescale_betas_zero_snr ? "almost zero" : "none"));
  const logSigmas = trained.map(Math.log);
  const lowest = settings.final_sigmas_type === "zero" ? 0 : at(trained, 0);
  const continuous = settings.timestep_type === "continuous" && prediction === "v_prediction";

  function levels(steps: number) {
    const spaced = spacedTimesteps(settings, steps).map(fround);
    const plain =
      settings.interpolation_type === "linear"
        ? spaced.map((t) => interpolate(trained, t))
        : linspace32(at(logSigmas, logSigmas.length - 1), at(logSigmas, 0), steps + 1).map((s) => fround(Math.exp(s)));
    const ends = { high: at(plain, 0), low: at(plain, plain.length - 1) };
    const chosen = respaced(settings, ends, steps);
    return {
      sigmas: Float32Array.from([...(chosen ?? plain), lowest]),
      timesteps: Float32Array.from(chosen ? chosen.map((s) => timestepOf(s, logSigmas)) : spaced),
    };
  }

  /** The pipeline's own sigmas hold the last one, too, where they are one more than there are steps. */
  function given(sigmas: readonly number[]) {
    const levels = Float32Array.from(sigmas);
    return { sigmas: levels, timesteps: levels.slice(0, -1).map((s) => timestepOf(s, logSigmas)) };
  }

  return {
    name: NAME,
    maxSteps: trained.length,
    plan: (options) => {
      checkSteps(options.steps, trained.length, NAME);
      const { sigmas, timesteps } = options.sigmas ? given(options.sigmas) : levels(options.steps);
      return {
        timesteps: continuous ? sigmas.slice(0, -1).map((s) => 0.25 * fround(Math.log(s))) : timesteps,
        sigmas,
        initNoiseSigma: initialSigma(sigmas, settings.timestep_spacing),
        addNoise: (original, noise, i) =>
          i === timesteps.length ? original : sigmaNoised(original, noise, at(sigmas, i)),
        begin: (_generator, first = 0) => {
          let i = first;
          return {
            scaleInput: (latent) => unitVariance(latent, at(sigmas, i)),
            predictOriginal: (output, latent) => sigmaOriginal(prediction, at(sigmas, i), output, latent),
            step: (output, latent) => {
              const sigma = at(sigmas, i);
              const original = sigmaOriginal(prediction, sigma, output, latent);
              return eulerStep(latent, original, sigma, fround(at(sigmas, ++i) - sigma));
            },
          };
        },
      };
    },
  };
}

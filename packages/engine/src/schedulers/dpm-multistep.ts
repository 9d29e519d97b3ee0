import type { Fields } from "../folder/fields.ts";
import { at, linspace, roundHalfEven, weighted } from "./arithmetic.ts";
import { type Algorithm, dpmUpdate } from "./dpm-update.ts";
import { shifted } from "./flow-shift.ts";
import { IMAGE_SHIFT, shiftOf } from "./image-shift.ts";
import { type Level, levelAt, levelsOf, timestepsAbove } from "./log-snr.ts";
import { noiseAt, noiseOf, originalAt } from "./multistep-output.ts";
import { alphasCumprod, TRAINING, trainingSigmas } from "./noise-levels.ts";
import type { Latent, PlanOptions, Scheduler } from "./scheduler.ts";
import { decimal, flag, leastOr, oneOf, readSettings, renamed, whole } from "./settings.ts";
import { checkRespacing, interpolate, RESPACING, respaced, timestepOf } from "./sigma-spacing.ts";
import { THRESHOLDING, threshold } from "./threshold.ts";
import { checkSteps, multistepTimesteps, spacingKeys } from "./timesteps.ts";

const NAME = "DPMSolverMultistepScheduler";
/** From so many steps on the last ones keep their order. */
const MANY_STEPS = 15;

const KEYS = {
  ...TRAINING,
  ...RESPACING,
  ...THRESHOLDING,
  ...IMAGE_SHIFT,
  ...spacingKeys("linspace"),
  solver_order: whole(2),
  prediction_type: oneOf("epsilon", "epsilon", "v_prediction", "sample", "flow_prediction"),
  algorithm_type: renamed(
    { deis: "dpmsolver++" },
    oneOf("dpmsolver++", "dpmsolver++", "sde-dpmsolver++", "dpmsolver", "sde-dpmsolver"),
  ),
  solver_type: renamed({ logrho: "midpoint", bh1: "midpoint", bh2: "midpoint" }, oneOf("midpoint", "midpoint", "heun")),
  lower_order_final: flag(true),
  euler_at_final: flag(false),
  use_lu_lambdas: flag(false),
  use_flow_sigmas: flag(false),
  flow_shift: decimal(1),
  final_sigmas_type: oneOf("zero", "zero", "sigma_min"),
  lambda_min_clipped: leastOr(Number.NEGATIVE_INFINITY),
  variance_type: oneOf("none", "none", "fixed_small", "fixed_large"),
  time_shift_type: oneOf("exponential", "exponential"),
  rescale_betas_zero_snr: flag(false),
};

/**
 * DPM-Solver and DPM-Solver++ of order 1 to 3 (Lu et al., 2022), also stochastic and on flow-matching noise levels, after
 * diffusers' `DPMSolverMultistepScheduler`.
 */
export function dpmMultistep(config: Fields): Scheduler {
  const settings = readSettings(config, KEYS);
  checkRespacing(config, settings);
  const {
    algorithm_type: algorithm,
    solver_order: order,
    prediction_type: prediction,
    use_flow_sigmas: flow,
  } = settings;
  const predictsNoise = algorithm === "dpmsolver" || algorithm === "sde-dpmsolver";
  if (order > 3) throw config.fail(`"solver_order" is ${order}, which is not supported; use 1, 2 or 3`);
  if (algorithm === "sde-dpmsolver" && order > 2)
    throw config.fail(`"solver_order" is ${order}, but sde-dpmsolver has 1 and 2 only`);
  if (predictsNoise && settings.final_sigmas_type === "zero") {
    throw config.fail(`"final_sigmas_type" is "zero", which ${algorithm} cannot reach; use sigma_min`);
  }
  if (predictsNoise && prediction === "flow_prediction") {
    throw config.fail(`"prediction_type" is "flow_prediction", which ${algorithm} does not take; use dpmsolver++`);
  }
  const alphas = alphasCumprod(settings, settings.rescale_betas_zero_snr ? "almost zero" : "none");
  const trained = trainingSigmas(alphas);
  const logSigmas = trained.map(Math.log);
  const ends = { low: at(trained, 0), high: at(trained, trained.length - 1) };
  const last = timestepsAbove(alphas, settings.lambda_min_clipped);
  const rounded = settings.beta_schedule === "squaredcos_cap_v2" ? (t: number) => t : roundHalfEven;

  /** Sigmas and timesteps, both in float64; where the file asks for nothing else, the trained ones at spaced timesteps. */
  function visited(options: PlanOptions): {
    readonly sigmas: readonly number[];
    readonly timesteps: readonly number[];
  } {
    const { steps } = options;
    const chosen = respaced(settings, ends, steps);
    if (chosen && settings.use_karras_sigmas) {
      return { sigmas: chosen, timesteps: chosen.map((s) => rounded(timestepOf(s, logSigmas))) };
    }
    if (settings.use_lu_lambdas) {
      const lambdas = linspace(0, 1, steps).map((share) => {
        const [from, to] = [at(logSigmas, logSigmas.length - 1), at(logSigmas, 0)];
        return from + share * (to - from);
      });
      const sigmas = lambdas.map(Math.exp);
      return { sigmas, timesteps: sigmas.map((s) => rounded(timestepOf(s, logSigmas))) };
    }
    if (chosen) return { sigmas: chosen, timesteps: chosen.map((s) => timestepOf(s, logSigmas)) };
    if (flow) {
      const shift = settings.use_dynamic_shifting ? Math.exp(shiftOf(settings, options)) : settings.flow_shift;
      const plain = linspace(1, 1 / trained.length, steps + 1).map((alpha) => 1 - alpha);
      const sigmas = plain
        .map((s) => shifted(s, shift))
        .reverse()
        .slice(0, -1);
      return { sigmas, timesteps: sigmas.map((s) => s * trained.length) };
    }
    const timesteps = multistepTimesteps(settings, steps, last);
    return { timesteps, sigmas: timesteps.map((t) => interpolate(trained, t)) };
  }

  const original = (level: Level, output: Latent, latent: Latent) => {
    const x0 = originalAt(prediction, level, output, latent);
    return settings.thresholding ? threshold(x0, settings) : x0;
  };

  /** What the solver extrapolates: x0 or the noise. */
  function converted(level: Level, output: Latent, latent: Latent): Latent {
    if (!predictsNoise || prediction === "flow_prediction") return original(level, output, latent);
    if (settings.thresholding) return noiseOf(latent, original(level, output, latent), level);
    return noiseAt(prediction, level, output, latent);
  }

  /** How many outputs evaluation i of `count` may use. */
  function orderAt(i: number, count: number, known: number): number {
    const fewSteps = settings.lower_order_final && count < MANY_STEPS;
    const lowered = settings.euler_at_final || fewSteps || settings.final_sigmas_type === "zero";
    if (i === count - 1 && lowered) return 1;
    return Math.min(order, known, i === count - 2 && fewSteps ? 2 : order);
  }

  return {
    name: NAME,
    maxSteps: trained.length - 1,
    plan: (options) => {
      checkSteps(options.steps, trained.length - 1, NAME);
      const { sigmas: inner, timesteps: exact } = visited(options);
      const timesteps = Float32Array.from(exact, Math.trunc);
      const sigmas = Float32Array.from([...inner, settings.final_sigmas_type === "zero" ? 0 : ends.low]);
      const levels = levelsOf(sigmas, flow);
      return {
        timesteps,
        sigmas,
        initNoiseSigma: 1,
        addNoise: (x0, noise, i) => {
          const { alpha, sigma } = levelAt(levels, i);
          return i === timesteps.length ? x0 : weighted([alpha, x0], [sigma, noise]);
        },
        begin: (generator, first = 0) => {
          let i = first;
          let outputs: Latent[] = [];
          return {
            scaleInput: (latent) => latent,
            predictOriginal: (output, latent) => original(levelAt(levels, i), output, latent),
            step: (output, latent) => {
              outputs = [converted(levelAt(levels, i), output, latent), ...outputs.slice(0, order - 1)];
              const used = outputs.slice(0, orderAt(i, timesteps.length, outputs.length));
              const noise = isStochastic(algorithm) ? generator.normals(latent.length) : undefined;
              const step = { algorithm, solver: settings.solver_type, levels, i, outputs: used, noise };
              i++;
              return dpmUpdate(latent, step);
            },
          };
        },
      };
    },
  };
}

const isStochastic = (algorithm: Algorithm) => algorithm.startsWith("sde-");

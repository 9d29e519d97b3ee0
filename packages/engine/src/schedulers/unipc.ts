import type { Fields } from "../folder/fields.ts";
import { at, linspace, roundHalfEven, weighted } from "./arithmetic.ts";
import { shifted, stretched, timeShifted } from "./flow-shift.ts";
import { IMAGE_SHIFT, shiftOf } from "./image-shift.ts";
import { type Level, levelAt, levelsOf } from "./log-snr.ts";
import { noiseAt, originalAt } from "./multistep-output.ts";
import { alphasCumprod, TRAINING, trainingSigmas } from "./noise-levels.ts";
import type { Latent, PlanOptions, Scheduler } from "./scheduler.ts";
import {
  decimal,
  flag,
  oneOf,
  only,
  optionalDecimal,
  optionalDecimals,
  readSettings,
  renamed,
  whole,
} from "./settings.ts";
import { checkRespacing, interpolate, RESPACING, respaced, timestepOf } from "./sigma-spacing.ts";
import { THRESHOLDING, threshold } from "./threshold.ts";
import { checkSteps, multistepTimesteps, spacingKeys } from "./timesteps.ts";
import { correct, predict, type UniPcStep } from "./unipc-update.ts";

const NAME = "UniPCMultistepScheduler";
/** How far below 1 the first sigma of flow matching is kept: at 1 there is no signal to divide by. */
const BELOW_ONE = 1e-6;

const KEYS = {
  ...TRAINING,
  ...RESPACING,
  ...THRESHOLDING,
  ...IMAGE_SHIFT,
  ...spacingKeys("linspace"),
  solver_order: whole(2),
  prediction_type: oneOf("epsilon", "epsilon", "v_prediction", "sample", "flow_prediction"),
  predict_x0: flag(true),
  solver_type: renamed({ midpoint: "bh2", heun: "bh2", logrho: "bh2" }, oneOf("bh2", "bh1", "bh2")),
  lower_order_final: flag(true),
  disable_corrector: optionalDecimals,
  solver_p: only(null),
  use_flow_sigmas: flag(false),
  flow_shift: decimal(1),
  final_sigmas_type: oneOf("zero", "zero", "sigma_min"),
  time_shift_type: oneOf("exponential", "exponential", "linear"),
  shift_terminal: optionalDecimal,
  rescale_betas_zero_snr: flag(false),
};

/** The unified predictor and corrector (Zhao et al., 2023), after diffusers' `UniPCMultistepScheduler`. */
export function unipc(config: Fields): Scheduler {
  const settings = readSettings(config, KEYS);
  checkRespacing(config, settings);
  const { prediction_type: prediction, solver_order: order, use_flow_sigmas: flow, predict_x0: original } = settings;
  if (settings.final_sigmas_type === "zero") {
    if (settings.solver_type === "bh1")
      throw config.fail(`"solver_type" is "bh1", which cannot reach "final_sigmas_type" zero; use bh2`);
    if (!settings.lower_order_final && order > 1) {
      throw config.fail(`"lower_order_final" is false, which cannot reach "final_sigmas_type" zero; leave it out`);
    }
    if (!original)
      throw config.fail(`"predict_x0" is false, which cannot reach "final_sigmas_type" zero; use sigma_min`);
  }
  if (!original && prediction === "flow_prediction") {
    throw config.fail(`"predict_x0" is false, which "prediction_type" flow_prediction does not allow`);
  }
  if (settings.shift_terminal !== undefined && !flow) {
    throw config.fail(`"shift_terminal" is ${settings.shift_terminal}, but "use_flow_sigmas" is false`);
  }
  const trained = trainingSigmas(alphasCumprod(settings, settings.rescale_betas_zero_snr ? "almost zero" : "none"));
  const logSigmas = trained.map(Math.log);
  const ends = { low: at(trained, 0), high: at(trained, trained.length - 1) };
  const disabled = new Set(settings.disable_corrector);
  const count = trained.length;

  interface Visited {
    readonly sigmas: readonly number[];
    readonly timesteps: readonly number[];
    /** The sigma after the last step where it is not 0. */
    readonly lowest: number;
  }

  function flowLevels(options: PlanOptions): readonly number[] {
    const { steps } = options;
    const plain = options.sigmas ?? linspace(1, 1 / count, steps + 1).slice(0, -1);
    const moved = settings.use_dynamic_shifting
      ? plain.map((s) => timeShifted(s, shiftOf(settings, options), settings.time_shift_type))
      : plain.map((s) => shifted(s, settings.flow_shift));
    const sigmas = settings.shift_terminal ? stretched(moved, settings.shift_terminal) : moved;
    return sigmas.map((s, i) => (i === 0 && Math.abs(s - 1) < BELOW_ONE ? s - BELOW_ONE : s));
  }

  /** Sigmas and timesteps in float64; where the file asks for nothing else, the trained ones at spaced timesteps. */
  function visited(options: PlanOptions): Visited {
    const chosen = respaced(settings, ends, options.steps);
    if (chosen) {
      const sigmas = flow && settings.use_karras_sigmas ? chosen.map((s) => s / (s + 1)) : chosen;
      const lowest = at(sigmas, sigmas.length - 1);
      if (sigmas !== chosen) return { sigmas, timesteps: sigmas.map((s) => s * count), lowest };
      const exact = sigmas.map((s) => timestepOf(s, logSigmas));
      return { sigmas, timesteps: settings.use_karras_sigmas ? exact.map(roundHalfEven) : exact, lowest };
    }
    if (flow) {
      const sigmas = flowLevels(options);
      return { sigmas, timesteps: sigmas.map((s) => s * count), lowest: at(sigmas, sigmas.length - 1) };
    }
    const timesteps = multistepTimesteps(settings, options.steps, count);
    return { timesteps, sigmas: timesteps.map((t) => interpolate(trained, t)), lowest: ends.low };
  }

  const originalOf = (level: Level, output: Latent, latent: Latent) => {
    const x0 = originalAt(prediction, level, output, latent);
    return settings.thresholding ? threshold(x0, settings) : x0;
  };

  /** What the solver extrapolates: x0 or the noise. */
  function converted(level: Level, output: Latent, latent: Latent): Latent {
    if (original || prediction === "flow_prediction") return originalOf(level, output, latent);
    return noiseAt(prediction, level, output, latent);
  }

  return {
    name: NAME,
    maxSteps: count - 1,
    plan: (options) => {
      checkSteps(options.steps, count - 1, NAME);
      if (options.sigmas && !flow) throw new RangeError(`${NAME} takes a pipeline's sigmas with flow matching only`);
      const { sigmas: inner, timesteps: exact, lowest } = visited(options);
      const timesteps = Float32Array.from(exact, Math.trunc);
      const sigmas = Float32Array.from([...inner, settings.final_sigmas_type === "zero" ? 0 : lowest]);
      const levels = levelsOf(sigmas, flow);
      const solver = { solver: settings.solver_type, original, levels };
      return {
        timesteps,
        sigmas,
        initNoiseSigma: 1,
        addNoise: (x0, noise, i) => {
          const { alpha, sigma } = levelAt(levels, i);
          return i === timesteps.length ? x0 : weighted([alpha, x0], [sigma, noise]);
        },
        begin: (_generator, first = 0) => {
          let i = first;
          let outputs: Latent[] = [];
          /** The step before, and the latent that it set out from. */
          let before: { readonly step: UniPcStep; readonly latent: Latent } | undefined;
          return {
            scaleInput: (latent) => latent,
            predictOriginal: (output, latent) => originalOf(levelAt(levels, i), output, latent),
            step: (output, latent) => {
              const now = converted(levelAt(levels, i), output, latent);
              const corrected =
                before && !disabled.has(i - 1) ? correct(solver, before.step, before.latent, now) : latent;
              outputs = [now, ...outputs.slice(0, order - 1)];
              const left = settings.lower_order_final ? timesteps.length - i : order;
              const step = { i, outputs: outputs.slice(0, Math.min(order, left)) };
              before = { step, latent: corrected };
              i++;
              return predict(solver, step, corrected);
            },
          };
        },
      };
    },
  };
}

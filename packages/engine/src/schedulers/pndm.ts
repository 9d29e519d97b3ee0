import type { Fields } from "../folder/fields.ts";
import { at, combine, root32, roundHalfEven, weighted } from "./arithmetic.ts";
import { alphasCumprod, TRAINING } from "./noise-levels.ts";
import { type Latent, type Run, type Scheduler, StepsError } from "./scheduler.ts";
import { flag, oneOf, readSettings } from "./settings.ts";
import { checkSteps, spacedTimesteps, spacingKeys } from "./timesteps.ts";
import { alphaAt, vpNoised, vpOriginal } from "./variance-preserving.ts";

const { fround } = Math;
const NAME = "PNDMScheduler";
/** Steps of four evaluations that begin a run with Runge–Kutta steps, and the least steps that they need. */
const RUNGE_KUTTA = { steps: 3, least: 4 };

const KEYS = {
  ...TRAINING,
  ...spacingKeys("leading"),
  prediction_type: oneOf("epsilon", "epsilon", "v_prediction"),
  skip_prk_steps: flag(false),
  set_alpha_to_one: flag(false),
};

/** Linear multistep weights of the newest outputs, newest first (Liu et al., 2022, equation 12). */
function multistep(outputs: readonly Latent[]): Latent {
  const [a, b, c, d] = outputs;
  if (!a) throw new RangeError("no output yet");
  if (!b) return a;
  if (!c) return weighted([3, a], [-1, b]).map((x) => x / 2);
  if (!d) return weighted([23, a], [-16, b], [5, c]).map((x) => x / 12);
  return weighted([55, a], [-59, b], [37, c], [-9, d]).map((x) => fround(1 / 24) * x);
}

/**
 * Pseudo numerical methods for diffusion models (Liu et al., 2022), after diffusers' `PNDMScheduler`: linear multistep
 * (PLMS) with one evaluation more than there are steps, or begun with Runge–Kutta steps (nine more).
 */
export function pndm(config: Fields): Scheduler {
  const settings = readSettings(config, KEYS);
  const { prediction_type: prediction, skip_prk_steps: plmsOnly } = settings;
  const alphas = alphasCumprod(settings);
  const final = settings.set_alpha_to_one ? 1 : at(alphas, 0);

  /** Equation 11, from timestep t to t'. */
  function transfer(latent: Latent, output: Latent, t: number, next: number): Latent {
    const [alpha, alphaNext] = [alphaAt(alphas, t, final), alphaAt(alphas, next, final)];
    const [beta, betaNext] = [fround(1 - alpha), fround(1 - alphaNext)];
    const epsilon = prediction === "epsilon" ? output : weighted([root32(alpha), output], [root32(beta), latent]);
    const scale = root32(alphaNext / alpha);
    const change = fround(alphaNext - alpha);
    const divisor = fround(fround(alpha * root32(betaNext)) + root32(fround(fround(alpha * beta) * alphaNext)));
    return combine(latent, epsilon, (x, e) => fround(scale * x) - fround(fround(change * e) / divisor));
  }

  function timestepsOf(steps: number): { readonly prk: readonly number[]; readonly plms: readonly number[] } {
    const rising = spacedTimesteps(settings, steps)
      .map(roundHalfEven)
      .filter((t) => t >= 0)
      .reverse();
    if (plmsOnly) {
      return { prk: [], plms: [...rising.slice(0, -1), ...rising.slice(-2, -1), ...rising.slice(-1)].reverse() };
    }
    const half = Math.floor(Math.floor(alphas.length / steps) / 2);
    const pairs = rising.slice(-RUNGE_KUTTA.least).flatMap((t) => [t, t + half]);
    const prk = pairs
      .slice(0, -1)
      .flatMap((t) => [t, t])
      .slice(1, -1)
      .reverse();
    return { prk, plms: rising.slice(0, -RUNGE_KUTTA.steps).reverse() };
  }

  return {
    name: NAME,
    maxSteps: alphas.length,
    plan: ({ steps }) => {
      checkSteps(steps, alphas.length, NAME);
      if (!plmsOnly && steps < RUNGE_KUTTA.least) {
        throw new StepsError(`${NAME} with Runge–Kutta steps takes at least ${RUNGE_KUTTA.least} steps, not ${steps}`);
      }
      const { prk, plms } = timestepsOf(steps);
      const timesteps = Float32Array.from([...prk, ...plms]);
      const stride = Math.floor(alphas.length / steps);

      function begin(first: number): Run {
        /** Evaluations of this run; like the reference, it counts from 0 also where a run begins later. */
        let counter = 0;
        let outputs: Latent[] = [];
        let sum: Latent | undefined;
        /** The latent from which several evaluations set out. */
        let anchor: Latent | undefined;

        function rungeKutta(output: Latent, latent: Latent, t: number): Latent {
          const next = t - (counter % 2 ? 0 : Math.floor(stride / 2));
          const from = at(prk, Math.floor(counter / 4) * 4);
          const phase = counter % 4;
          const part = output.map((x) => fround(phase === 0 || phase === 3 ? 1 / 6 : 1 / 3) * x);
          const total = sum && phase !== 0 ? weighted([1, sum], [1, part]) : part;
          if (phase === 0) {
            outputs.push(output);
            anchor = latent;
          }
          sum = phase === 3 ? undefined : total;
          return transfer(anchor ?? latent, phase === 3 ? total : output, from, next);
        }

        function linear(output: Latent, latent: Latent, t: number): Latent {
          if (plmsOnly && counter === 1) {
            const [before] = outputs.slice(-1);
            const from = anchor ?? latent;
            anchor = undefined;
            const mean = before ? combine(output, before, (a, b) => fround(a + b) / 2) : output;
            return transfer(from, mean, t + stride, t);
          }
          outputs = [...outputs.slice(-3), output];
          if (counter === 0) anchor = latent;
          return transfer(latent, multistep(outputs.toReversed()), t, t - stride);
        }

        return {
          scaleInput: (latent) => latent,
          predictOriginal: (output, latent) => {
            const alpha = alphaAt(alphas, at(timesteps, first + counter), final);
            return vpOriginal(prediction, { signal: root32(alpha), noise: root32(1 - alpha) }, output, latent);
          },
          step: (output, latent) => {
            const t = at(timesteps, first + counter);
            const result = counter < prk.length ? rungeKutta(output, latent, t) : linear(output, latent, t);
            counter++;
            return result;
          },
        };
      }

      return {
        timesteps,
        initNoiseSigma: 1,
        addNoise: (original, noise, i) =>
          i === timesteps.length ? original : vpNoised(original, noise, alphaAt(alphas, at(timesteps, i), final)),
        begin: (_generator, first = 0) => begin(first),
      };
    },
  };
}

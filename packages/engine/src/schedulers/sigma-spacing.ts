import type { Fields } from "../folder/fields.ts";
import { at, linspace } from "./arithmetic.ts";
import { betaQuantile } from "./beta-quantile.ts";
import { flag, optionalDecimal, type Settings } from "./settings.ts";

const { fround } = Math;
const RHO = 7;
const BETA = 0.6;

/** The keys that respace the noise levels between two ends; at most one is true. The ends may be given. */
export const RESPACING = {
  use_karras_sigmas: flag(false),
  use_exponential_sigmas: flag(false),
  use_beta_sigmas: flag(false),
  sigma_min: optionalDecimal,
  sigma_max: optionalDecimal,
};

export type Respacing = Settings<typeof RESPACING>;

export function checkRespacing(config: Fields, settings: Respacing): void {
  const chosen = (["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"] as const).filter(
    (key) => settings[key],
  );
  if (chosen.length > 1) throw config.fail(`"${chosen[0]}" and "${chosen[1]}" are both true; only one can be`);
}

/**
 * `count` noise levels, highest first, between two ends, in float64: after Karras et al. (2022, equation 5), evenly in the
 * logarithm, or at quantiles of Beta(0.6, 0.6) (Lee et al., 2024). Undefined where the file asks for none of these.
 */
export function respaced(
  settings: Respacing,
  ends: { readonly low: number; readonly high: number },
  count: number,
): number[] | undefined {
  const low = settings.sigma_min ?? ends.low;
  const high = settings.sigma_max ?? ends.high;
  if (settings.use_karras_sigmas) {
    const [from, to] = [high ** (1 / RHO), low ** (1 / RHO)];
    return linspace(0, 1, count).map((share) => (from + share * (to - from)) ** RHO);
  }
  if (settings.use_exponential_sigmas) return linspace(Math.log(high), Math.log(low), count).map(Math.exp);
  if (settings.use_beta_sigmas) {
    return linspace(0, 1, count).map((share) => low + betaQuantile(1 - share, BETA, BETA) * (high - low));
  }
  return undefined;
}

/** The value of `values` at a fractional index, clamped to the ends: numpy.interp over 0, 1, 2, … */
export function interpolate(values: Float32Array, index: number): number {
  if (index <= 0) return at(values, 0);
  if (index >= values.length - 1) return at(values, values.length - 1);
  const low = Math.floor(index);
  const a = at(values, low);
  return (at(values, low + 1) - a) * (index - low) + a;
}

/** The fractional training timestep whose sigma this is, by linear interpolation of `logSigmas`, which rise. */
export function timestepOf(sigma: number, logSigmas: Float32Array): number {
  const target = Math.log(Math.max(sigma, 1e-10));
  let low = 0;
  while (low < logSigmas.length - 2 && at(logSigmas, low + 1) <= target) low++;
  const [a, b] = [at(logSigmas, low), at(logSigmas, low + 1)];
  const share = Math.min(Math.max((a - target) / fround(a - b), 0), 1);
  return (1 - share) * low + share * (low + 1);
}

import type { Fields } from "../folder/fields.ts";
import { at, combine, root32, weighted } from "./arithmetic.ts";
import type { Latent } from "./scheduler.ts";
import type { Settings } from "./settings.ts";
import { type THRESHOLDING, threshold } from "./threshold.ts";

const { fround } = Math;

/** What the network predicts: the noise, the velocity of Salimans and Ho (2022), or the finished latent. */
export type Prediction = "epsilon" | "v_prediction" | "sample";

/** x0 of a network's output in variance-preserving form: x = signal · x0 + noise · ε. */
export function vpOriginal(
  prediction: Prediction,
  { signal, noise }: { readonly signal: number; readonly noise: number },
  output: Latent,
  latent: Latent,
): Latent {
  switch (prediction) {
    case "epsilon":
      return combine(latent, output, (x, e) => fround(x - fround(noise * e)) / signal);
    case "v_prediction":
      return combine(latent, output, (x, v) => fround(signal * x) - fround(noise * v));
    case "sample":
      return output;
  }
}

/** A finished latent at the noise level of an ᾱ. */
export function vpNoised(original: Latent, noise: Latent, alpha: number): Latent {
  return weighted([root32(alpha), original], [root32(1 - alpha), noise]);
}

/** Thresholded or clipped as the file says. */
export function bounded(
  original: Latent,
  settings: Settings<typeof THRESHOLDING> & { readonly clip_sample: boolean; readonly clip_sample_range: number },
): Latent {
  if (settings.thresholding) return threshold(original, settings);
  if (!settings.clip_sample) return original;
  const range = fround(settings.clip_sample_range);
  return original.map((x) => Math.min(Math.max(x, -range), range));
}

/** Refuses to divide by the signal share where the last timestep has none, and nothing bounds the result. */
export function refuseNoSignal(
  config: Fields,
  settings: {
    readonly rescale_betas_zero_snr: boolean;
    readonly prediction_type: Prediction;
    readonly clip_sample: boolean;
    readonly thresholding: boolean;
    readonly timestep_spacing?: string;
  },
): void {
  const bound = settings.clip_sample || settings.thresholding || settings.timestep_spacing === "leading";
  if (settings.rescale_betas_zero_snr && settings.prediction_type === "epsilon" && !bound) {
    throw config.fail(`"rescale_betas_zero_snr" is true, which leaves nothing to predict noise from; use v_prediction`);
  }
}

/** ᾱ at a timestep, `final` below 0. */
export const alphaAt = (alphas: Float32Array, t: number, final: number) => (t < 0 ? final : at(alphas, t));

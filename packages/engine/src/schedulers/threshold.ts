import type { Latent } from "./scheduler.ts";
import { decimal, flag, type Settings } from "./settings.ts";

const { fround } = Math;

/** The keys of dynamic thresholding. */
export const THRESHOLDING = {
  thresholding: flag(false),
  dynamic_thresholding_ratio: decimal(0.995, 0),
  sample_max_value: decimal(1),
};

/** torch.quantile of rising values, with linear interpolation, in float32. */
function quantile(rising: Float32Array, share: number): number {
  const position = fround(fround(share) * (rising.length - 1));
  const low = Math.floor(position);
  const a = rising[low] ?? 0;
  const b = rising[Math.min(low + 1, rising.length - 1)] ?? 0;
  const weight = fround(position - low);
  // torch.lerp, which goes from the nearer end.
  return weight < 0.5 ? fround(a + weight * fround(b - a)) : fround(b - fround(b - a) * fround(1 - weight));
}

/**
 * Dynamic thresholding (Saharia et al., 2022): the picture's values are clamped to a high quantile of their sizes (1 to
 * `sample_max_value`) and divided by it.
 */
export function threshold(original: Latent, settings: Settings<typeof THRESHOLDING>): Latent {
  const rising = original.map(Math.abs).sort();
  const bound = Math.min(
    Math.max(quantile(rising, settings.dynamic_thresholding_ratio), 1),
    fround(settings.sample_max_value),
  );
  return original.map((x) => Math.min(Math.max(x, -bound), bound) / bound);
}

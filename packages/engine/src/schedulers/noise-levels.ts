import { at, linspace32, root32, square32 } from "./arithmetic.ts";
import { decimal, oneOf, optionalDecimals, type Settings, whole } from "./settings.ts";

const { fround } = Math;

/** The keys of the training noise schedule, which all classes but the flow-matching one declare. */
export const TRAINING = {
  num_train_timesteps: whole(1000),
  beta_start: decimal(0.0001, 0),
  beta_end: decimal(0.02, 0),
  beta_schedule: oneOf("linear", "linear", "scaled_linear", "squaredcos_cap_v2"),
  trained_betas: optionalDecimals,
};

/** ᾱ of the last training timestep in the classes that divide by it, where the rescaled schedule has 0. */
const ALMOST_ZERO = 2 ** -24;

const cosine = (t: number) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2;

function betas(settings: Settings<typeof TRAINING>): number[] {
  const { num_train_timesteps: count, beta_start: start, beta_end: end, trained_betas: trained } = settings;
  if (trained) return trained.map(fround);
  switch (settings.beta_schedule) {
    case "linear":
      return linspace32(start, end, count);
    case "scaled_linear":
      return linspace32(Math.sqrt(start), Math.sqrt(end), count).map(square32);
    case "squaredcos_cap_v2":
      return Array.from({ length: count }, (_, i) =>
        fround(Math.min(1 - cosine((i + 1) / count) / cosine(i / count), 0.999)),
      );
  }
}

/** Products of all values up to each, as torch.cumprod gives them on a CPU: the product is kept in float64. */
function cumulativeProduct(values: readonly number[]): Float32Array {
  let product = 1;
  return Float32Array.from(values, (value) => {
    product *= value;
    return product;
  });
}

/** The betas moved so that the last timestep has no signal left (Lin et al., 2023, algorithm 1), in float32. */
function rescaleToZeroSnr(values: readonly number[]): number[] {
  const roots = cumulativeProduct(values.map((beta) => fround(1 - beta))).map((a) => Math.sqrt(a));
  const [first, last] = [at(roots, 0), at(roots, roots.length - 1)];
  const stretch = fround(first / fround(first - last));
  const bars = roots.map((r) => square32(fround(fround(r - last) * stretch)));
  return Array.from(bars, (bar, i) => fround(1 - (i === 0 ? bar : fround(bar / at(bars, i - 1)))));
}

/**
 * The cumulative product of 1 − β for each training timestep (Ho et al., 2020), in float32 and to the last bit as torch
 * computes it. `rescale`: not at all, to zero at the last timestep, or to almost zero, for classes that divide by it.
 */
export function alphasCumprod(
  settings: Settings<typeof TRAINING>,
  rescale: "none" | "zero" | "almost zero" = "none",
): Float32Array {
  const plain = betas(settings);
  const used = rescale === "none" ? plain : rescaleToZeroSnr(plain);
  const alphas = cumulativeProduct(used.map((beta) => fround(1 - beta)));
  if (rescale === "almost zero") alphas[alphas.length - 1] = ALMOST_ZERO;
  return alphas;
}

/** σ of each training timestep: √((1 − ᾱ)/ᾱ) in float32. */
export function trainingSigmas(alphas: Float32Array): Float32Array {
  return alphas.map((a) => root32(fround(1 - a) / a));
}

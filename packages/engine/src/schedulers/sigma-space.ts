import { combine, root32, square32 } from "./arithmetic.ts";
import type { Latent } from "./scheduler.ts";
import type { Prediction } from "./variance-preserving.ts";

const { fround } = Math;

/** x0 of a network's output in sigma form: x = x0 + σ · ε (Karras et al., 2022). */
export function sigmaOriginal(prediction: Prediction, sigma: number, output: Latent, latent: Latent): Latent {
  switch (prediction) {
    case "sample":
      return output;
    case "epsilon":
      return combine(latent, output, (x, e) => x - fround(sigma * e));
    case "v_prediction": {
      const square = fround(square32(sigma) + 1);
      const factor = fround(-sigma / root32(square));
      return combine(latent, output, (x, v) => fround(v * factor) + fround(x / square));
    }
  }
}

/** The latent brought to unit variance, as networks in sigma form see it. */
export function unitVariance(latent: Latent, sigma: number): Latent {
  const scale = root32(square32(sigma) + 1);
  return latent.map((x) => x / scale);
}

/** Standard deviation of the noise at the start: with leading timesteps the highest sigma is not reached. */
export function initialSigma(sigmas: Float32Array, spacing: string): number {
  const highest = sigmas.reduce((a, b) => Math.max(a, b));
  return spacing === "leading" ? root32(square32(highest) + 1) : highest;
}

export const sigmaNoised = (original: Latent, noise: Latent, sigma: number): Latent =>
  combine(original, noise, (x0, e) => x0 + fround(e * sigma));

/** Euler's step from σ to another noise level along the direction that points away from x0. */
export function eulerStep(latent: Latent, original: Latent, sigma: number, change: number): Latent {
  return combine(latent, original, (x, x0) => x + fround(fround(fround(x - x0) / sigma) * change));
}

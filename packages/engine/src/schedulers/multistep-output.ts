import { combine, weighted } from "./arithmetic.ts";
import type { Level } from "./log-snr.ts";
import type { Latent } from "./scheduler.ts";
import { vpOriginal } from "./variance-preserving.ts";

const { fround } = Math;

/** What the network of a multistep solver predicts; with `flow_prediction` the velocity ε − x0. */
export type MultistepPrediction = "epsilon" | "v_prediction" | "sample" | "flow_prediction";

/** x0 of a network's output at a noise level. */
export function originalAt(prediction: MultistepPrediction, level: Level, output: Latent, latent: Latent): Latent {
  if (prediction === "flow_prediction") return combine(latent, output, (x, v) => x - fround(level.sigma * v));
  return vpOriginal(prediction, { signal: level.alpha, noise: level.sigma }, output, latent);
}

/** The noise that a network's output predicts at a noise level. */
export function noiseAt(
  prediction: Exclude<MultistepPrediction, "flow_prediction">,
  level: Level,
  output: Latent,
  latent: Latent,
): Latent {
  switch (prediction) {
    case "epsilon":
      return output;
    case "v_prediction":
      return weighted([level.alpha, output], [level.sigma, latent]);
    case "sample":
      return noiseOf(latent, output, level);
  }
}

/** The noise in a latent whose finished one is known. */
export function noiseOf(latent: Latent, original: Latent, { alpha, sigma }: Level): Latent {
  return combine(latent, original, (x, x0) => fround(x - fround(alpha * x0)) / sigma);
}

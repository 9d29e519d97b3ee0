import type { Generator } from "./generator.ts";
import { gpuGenerator } from "./gpu-generator.ts";
import { torchGenerator } from "./torch-generator.ts";

/** Whose sequence a seed stands for: that of torch on a CPU, or on a large GPU. */
export const NOISE_SOURCES = ["cpu", "gpu"] as const;
export type NoiseSource = (typeof NOISE_SOURCES)[number];

const CREATE: Readonly<Record<NoiseSource, (seed: number) => Generator>> = { cpu: torchGenerator, gpu: gpuGenerator };

/** A picture's own stream of noise. `seed`: 0 to 2^53 − 1. */
export function createGenerator(source: NoiseSource, seed: number): Generator {
  return CREATE[source](seed);
}

import { at, root32, square32 } from "./arithmetic.ts";

const { fround } = Math;

/** A noise level: signal share α, noise share σ and λ = ln α − ln σ, half the logarithm of the signal-to-noise ratio. */
export interface Level {
  readonly alpha: number;
  readonly sigma: number;
  readonly lambda: number;
}

/** The levels of a run, in float32: of flow matching, x = (1 − σ)·x0 + σ·ε, or variance-preserving with α² + σ² = 1. */
export function levelsOf(sigmas: Float32Array, flow: boolean): readonly Level[] {
  return Array.from(sigmas, (value) => {
    const alpha = flow ? fround(1 - value) : fround(1 / root32(square32(value) + 1));
    const sigma = flow ? value : fround(value * alpha);
    return { alpha, sigma, lambda: fround(fround(Math.log(alpha)) - fround(Math.log(sigma))) };
  });
}

export function levelAt(levels: readonly Level[], i: number): Level {
  const level = levels[i];
  if (!level) throw new RangeError(`level ${i} is not within 0 to ${levels.length - 1}`);
  return level;
}

/** How many training timesteps remain where those below a least λ are cut off. */
export function timestepsAbove(alphas: Float32Array, leastLambda: number): number {
  // λ falls with the timestep.
  const lambda = (t: number) => {
    const alpha = at(alphas, t);
    return fround(fround(Math.log(root32(alpha))) - fround(Math.log(root32(1 - alpha))));
  };
  let count = alphas.length;
  while (count > 0 && lambda(count - 1) < leastLambda) count--;
  return count;
}

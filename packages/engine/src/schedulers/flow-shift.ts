import { at } from "./arithmetic.ts";

/** A precision to compute in. */
export type Round = (x: number) => number;
const float64: Round = (x) => x;

/** A noise level moved by a constant shift: shift·σ / (1 + (shift − 1)·σ). */
export function shifted(sigma: number, shift: number, round: Round = float64): number {
  const divisor = round(1 + round(round(shift - 1) * sigma));
  return round(round(round(shift) * sigma) / divisor);
}

/** The same with e^μ or μ for the ratio of the resolutions (Esser et al., 2024, equation 23). */
export function timeShifted(sigma: number, mu: number, type: "exponential" | "linear", round: Round = float64): number {
  const ratio = round(type === "exponential" ? Math.exp(mu) : mu);
  return round(ratio / round(ratio + round(round(1 / sigma) - 1)));
}

/** Noise levels stretched so that the last one is `terminal`. */
export function stretched(sigmas: readonly number[], terminal: number, round: Round = float64): number[] {
  const scale = round(round(1 - at(sigmas, sigmas.length - 1)) / round(1 - terminal));
  return sigmas.map((sigma) => round(1 - round(round(1 - sigma) / scale)));
}

import { difference, root32, square32, weighted } from "./arithmetic.ts";
import { type Level, levelAt } from "./log-snr.ts";
import type { Latent } from "./scheduler.ts";

const { fround } = Math;
const exp = (x: number) => fround(Math.exp(x));

export type Algorithm = "dpmsolver++" | "sde-dpmsolver++" | "dpmsolver" | "sde-dpmsolver";

/** Factors of the update x' = scale·x + d0·D0 + d1·D1 + d2·D2 + fresh·noise, where D are the output and its derivatives. */
interface Factors {
  readonly scale: number;
  readonly d0: number;
  readonly midpoint: number;
  readonly heun: number;
  readonly d2: number;
  /** 0 in the algorithms that add no noise. */
  readonly fresh: number;
}

/** DPM-Solver++ (Lu et al., 2022b), for the prediction of x0. */
function ofOriginal(from: Level, to: Level, h: number): Factors {
  const e = fround(exp(-h) - 1);
  const d0 = fround(to.alpha * e);
  return {
    scale: fround(to.sigma / from.sigma),
    d0: -d0,
    midpoint: -fround(0.5 * d0),
    heun: fround(to.alpha * fround(fround(e / h) + 1)),
    d2: -fround(to.alpha * fround(fround(fround(e + h) / square32(h)) - 0.5)),
    fresh: 0,
  };
}

/** The same as a stochastic differential equation. */
function ofOriginalStochastic(from: Level, to: Level, h: number): Factors {
  const twice = fround(2 * h);
  const e = fround(1 - exp(-twice));
  const d0 = fround(to.alpha * e);
  return {
    scale: fround(fround(to.sigma / from.sigma) * exp(-h)),
    d0,
    midpoint: fround(0.5 * d0),
    heun: fround(to.alpha * fround(fround(e / -twice) + 1)),
    d2: fround(to.alpha * fround(fround(fround(e - twice) / square32(twice)) - 0.5)),
    fresh: fround(to.sigma * root32(e)),
  };
}

/** DPM-Solver (Lu et al., 2022a), for the prediction of the noise. */
function ofNoise(from: Level, to: Level, h: number): Factors {
  const e = fround(exp(h) - 1);
  const d0 = fround(to.sigma * e);
  return {
    scale: fround(to.alpha / from.alpha),
    d0: -d0,
    midpoint: -fround(0.5 * d0),
    heun: -fround(to.sigma * fround(fround(e / h) - 1)),
    d2: -fround(to.sigma * fround(fround(fround(e - h) / square32(h)) - 0.5)),
    fresh: 0,
  };
}

function ofNoiseStochastic(from: Level, to: Level, h: number): Factors {
  const e = fround(exp(h) - 1);
  const d0 = fround(to.sigma * e);
  return {
    scale: fround(to.alpha / from.alpha),
    d0: -fround(2 * d0),
    midpoint: -d0,
    heun: -fround(2 * fround(to.sigma * fround(fround(e / h) - 1))),
    d2: Number.NaN,
    fresh: fround(to.sigma * root32(exp(fround(2 * h)) - 1)),
  };
}

const FACTORS: Readonly<Record<Algorithm, (from: Level, to: Level, h: number) => Factors>> = {
  "dpmsolver++": ofOriginal,
  "sde-dpmsolver++": ofOriginalStochastic,
  dpmsolver: ofNoise,
  "sde-dpmsolver": ofNoiseStochastic,
};

export interface DpmStep {
  readonly algorithm: Algorithm;
  readonly solver: "midpoint" | "heun";
  readonly levels: readonly Level[];
  /** The level that the step begins at. */
  readonly i: number;
  /** Converted outputs of the newest steps, newest first; as many as the order of the step. */
  readonly outputs: readonly Latent[];
  /** Fresh noise, for the stochastic algorithms. */
  readonly noise: Latent | undefined;
}

/** One step of a DPM solver of order 1 to 3, from level i to level i + 1. */
export function dpmUpdate(latent: Latent, { algorithm, solver, levels, i, outputs, noise }: DpmStep): Latent {
  const [now, next] = [levelAt(levels, i), levelAt(levels, i + 1)];
  const [m0, m1, m2] = outputs;
  if (!m0) throw new RangeError("no output yet");
  const h = fround(next.lambda - now.lambda);
  const factors = FACTORS[algorithm](now, next, h);
  const terms: [number, Latent][] = [
    [factors.scale, latent],
    [factors.d0, m0],
  ];
  /** The step before by `back`, in units of this one. */
  const ratio = (back: number) =>
    fround(fround(levelAt(levels, i - back + 1).lambda - levelAt(levels, i - back).lambda) / h);
  if (m1 && !m2) {
    terms.push([factors[solver], difference(m0, m1, 1 / ratio(1))]);
  } else if (m1 && m2) {
    const [r0, r1] = [ratio(1), ratio(2)];
    const [near, far] = [difference(m0, m1, 1 / r0), difference(m1, m2, 1 / r1)];
    const sum = fround(r0 + r1);
    const d1 = weighted([1, near], [1, difference(near, far, r0 / sum)]);
    terms.push([factors.heun, d1], [factors.d2, difference(near, far, 1 / sum)]);
  }
  if (noise) terms.push([factors.fresh, noise]);
  return weighted(...terms);
}

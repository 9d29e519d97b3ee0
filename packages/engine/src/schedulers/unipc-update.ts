import { difference, weighted } from "./arithmetic.ts";
import { type Level, levelAt } from "./log-snr.ts";
import type { Latent } from "./scheduler.ts";

const { fround } = Math;
const expm1 = (x: number) => fround(Math.expm1(x));

export interface UniPcOptions {
  readonly solver: "bh1" | "bh2";
  /** Whether outputs are x0, or the noise. */
  readonly original: boolean;
  readonly levels: readonly Level[];
}

export interface UniPcStep {
  /** The level that the step begins at. */
  readonly i: number;
  /** Converted outputs of the newest evaluations before the step's end, newest first; as many as the order of the step. */
  readonly outputs: readonly Latent[];
}

/** Solves a small system of linear equations by elimination with pivots. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i] ?? 0]);
  const cell = (i: number, j: number) => rows[i]?.[j] ?? 0;
  const count = rows.length;
  for (let k = 0; k < count; k++) {
    let pivot = k;
    for (let i = k + 1; i < count; i++) if (Math.abs(cell(i, k)) > Math.abs(cell(pivot, k))) pivot = i;
    const [a, b] = [rows[k], rows[pivot]];
    if (a && b) [rows[k], rows[pivot]] = [b, a];
    for (let i = k + 1; i < count; i++) {
      const factor = cell(i, k) / cell(k, k);
      rows[i] = rows[i]?.map((x, j) => x - factor * cell(k, j)) ?? [];
    }
  }
  const result = Array<number>(count).fill(0);
  for (let i = count - 1; i >= 0; i--) {
    let rest = cell(i, count);
    for (let j = i + 1; j < count; j++) rest -= cell(i, j) * (result[j] ?? 0);
    result[i] = rest / cell(i, i);
  }
  return result;
}

/** What predictor and corrector of one step share (Zhao et al., 2023, section 3). */
function prepare({ solver, original, levels }: UniPcOptions, { i, outputs }: UniPcStep) {
  const [now, next] = [levelAt(levels, i), levelAt(levels, i + 1)];
  const [newest, ...older] = outputs;
  if (!newest) throw new RangeError("no output yet");
  const h = fround(next.lambda - now.lambda);
  const ratios = older.map((_, k) => fround(fround(levelAt(levels, i - k - 1).lambda - now.lambda) / h));
  const slopes = older.map((output, k) => {
    const ratio = ratios[k] ?? 1;
    return output.map((x, j) => fround(x - (newest[j] ?? 0)) / ratio);
  });

  const hh = original ? -h : h;
  const phi1 = expm1(hh);
  const b = solver === "bh1" ? hh : phi1;
  const count = outputs.length;
  const right: number[] = [];
  let phi = fround(fround(phi1 / hh) - 1);
  let factorial = 1;
  for (let k = 1; k <= count; k++) {
    right.push(fround(fround(phi * factorial) / b));
    factorial *= k + 1;
    phi = fround(fround(phi / hh) - fround(1 / factorial));
  }
  const powers = Array.from({ length: count }, (_, k) => [...ratios, 1].map((r) => fround(r ** k)));
  const [share, ratio] = original
    ? [next.alpha, fround(next.sigma / now.sigma)]
    : [next.sigma, fround(next.alpha / now.alpha)];
  return { newest, slopes, powers, right, ratio, first: -fround(share * phi1), further: -fround(share * b) };
}

/** The latent at level i + 1 out of that at level i: UniP. */
export function predict(options: UniPcOptions, step: UniPcStep, latent: Latent): Latent {
  const { newest, slopes, powers, right, ratio, first, further } = prepare(options, step);
  const base = weighted([ratio, latent], [first, newest]);
  if (slopes.length === 0) return base;
  const weights =
    slopes.length === 1
      ? [0.5]
      : solve(
          powers.slice(0, -1).map((row) => row.slice(0, -1)),
          right.slice(0, -1),
        );
  return weighted([1, base], [further, weighted(...paired(weights, slopes))]);
}

/** The latent at level i + 1, once the output there is known, out of that at level i: UniC. */
export function correct(options: UniPcOptions, step: UniPcStep, latent: Latent, output: Latent): Latent {
  const { newest, slopes, powers, right, ratio, first, further } = prepare(options, step);
  const base = weighted([ratio, latent], [first, newest]);
  const weights = slopes.length === 0 ? [0.5] : solve(powers, right);
  return weighted([1, base], [further, weighted(...paired(weights, [...slopes, difference(output, newest, 1)]))]);
}

function paired(weights: readonly number[], latents: readonly Latent[]): [number, Latent][] {
  return latents.map((latent, k) => [weights[k] ?? 0, latent]);
}

import type { Quality } from "./fields.ts";

/**
 * What a model costs. Multipliers are integers per thousand: 1000 = one unit a pixel.
 * `quality` replaces the multiplier for a quality; with `stepsBase` the price also grows with steps / stepsBase.
 */
export interface Pricing {
  readonly perMille: number;
  readonly quality?: Readonly<Partial<Record<Quality, number>>>;
  readonly stepsBase?: number;
}

/** What is counted: `images` pictures of width × height pixels, at a quality, in `steps` denoising steps. */
export interface Work {
  readonly images: number;
  readonly width: number;
  readonly height: number;
  readonly quality: Quality;
  readonly steps: number;
}

/** Throws RangeError unless the value is a whole number from 1 to 2^53 − 1. */
function positive(name: string, value: number): bigint {
  if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be a whole number of at least 1`);
  return BigInt(value);
}

function ceilDivide(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}

/**
 * Compute units of a request: images × width × height × multiplier / 1000, rounded up once, never 0.
 * Exact at any size; throws RangeError on a value that is not a positive whole number and on a result above 2^53 − 1.
 */
export function computeUnits(work: Work, pricing: Pricing): number {
  const perMille = positive("multiplier", pricing.quality?.[work.quality] ?? pricing.perMille);
  const pixels =
    positive("images", work.images) * positive("width", work.width) * positive("height", work.height) * perMille;
  const units =
    pricing.stepsBase === undefined
      ? ceilDivide(pixels, 1000n)
      : ceilDivide(pixels * positive("steps", work.steps), 1000n * positive("stepsBase", pricing.stepsBase));
  if (units > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError("compute units exceed 2^53 - 1");
  return Number(units);
}

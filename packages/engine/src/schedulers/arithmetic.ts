import type { Latent } from "./scheduler.ts";

const { fround } = Math;

/** result[i] = f(a[i], b[i]), rounded to float32. */
export function combine(a: Latent, b: Latent, f: (a: number, b: number) => number): Latent {
  if (a.length !== b.length) throw new RangeError(`latents differ in length: ${a.length} and ${b.length}`);
  const result = new Float32Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = f(a[i] ?? 0, b[i] ?? 0);
  return result;
}

/** Σ factor · latent, in their order; each factor, product and sum is rounded to float32, as torch rounds them. */
export function weighted(...terms: readonly (readonly [factor: number, latent: Latent])[]): Latent {
  const [first, ...rest] = terms;
  if (!first) throw new RangeError("nothing to add up");
  const scale = fround(first[0]);
  const result = first[1].map((x) => scale * x);
  for (const [factor, latent] of rest) {
    if (latent.length !== result.length)
      throw new RangeError(`latents differ in length: ${latent.length} and ${result.length}`);
    const by = fround(factor);
    for (let i = 0; i < result.length; i++) result[i] = (result[i] ?? 0) + fround(by * (latent[i] ?? 0));
  }
  return result;
}

/** (a − b) · factor, rounded to float32 after each operation. */
export function difference(a: Latent, b: Latent, factor: number): Latent {
  const by = fround(factor);
  return combine(a, b, (x, y) => fround(x - y) * by);
}

/** `count` values from `start` to `end` inclusive, as numpy.linspace. */
export function linspace(start: number, end: number, count: number): number[] {
  const step = count > 1 ? (end - start) / (count - 1) : 0;
  return Array.from({ length: count }, (_, i) => (i > 0 && i === count - 1 ? end : start + i * step));
}

/** `count` values from `start` to `end` inclusive, as torch.linspace gives them in float32: from both ends to the middle. */
export function linspace32(start: number, end: number, count: number): number[] {
  const [from, to] = [fround(start), fround(end)];
  const step = count > 1 ? fround(fround(to - from) / (count - 1)) : 0;
  const half = Math.floor(count / 2);
  return Array.from({ length: count }, (_, i) =>
    fround(i < half || count === 1 ? from + step * i : to - step * (count - i - 1)),
  );
}

/** The nearest whole number; halves go to the even one, as in numpy. */
export function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** √x of a float32, rounded to float32. */
export const root32 = (x: number) => fround(Math.sqrt(fround(x)));

/** x² in float32. */
export const square32 = (x: number) => fround(fround(x) * fround(x));

export function at(values: ArrayLike<number>, i: number): number {
  const value = values[i];
  if (value === undefined) throw new RangeError(`step ${i} is not within 0 to ${values.length - 1}`);
  return value;
}

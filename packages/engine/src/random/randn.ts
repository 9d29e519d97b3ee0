import { mt19937, type NextUint32 } from "./mt19937.ts";

const BLOCK = 16;
const HALF = BLOCK / 2;

const { fround } = Math;
const TWO_PI = fround(2 * Math.PI);

/** Fills values[at .. at + 16) with normals: cosines of the eight pairs first, then their sines. In float32, as torch. */
function fillBlock(values: Float32Array, at: number): void {
  for (let j = at; j < at + HALF; j++) {
    const radius = fround(Math.sqrt(-2 * fround(Math.log(1 - (values[j] ?? 0)))));
    const theta = fround(TWO_PI * (values[j + HALF] ?? 0));
    values[j] = radius * Math.cos(theta);
    values[j + HALF] = radius * Math.sin(theta);
  }
}

const uniform24 = (next: NextUint32) => (next() & 0xffffff) / 2 ** 24;

/** A uniform of 53 bits out of two draws, the first of which is the high word. */
function uniform53(next: NextUint32): number {
  const high = next() & 0x1fffff;
  return (high * 2 ** 32 + next()) / 2 ** 53;
}

/** torch's path for fewer than 16 values: Box–Muller in doubles, the second value of a pair kept for the next draw. */
function fewNormals(values: Float32Array, next: NextUint32): void {
  for (let i = 0; i < values.length; i += 2) {
    const angle = 2 * Math.PI * uniform53(next);
    const radius = Math.sqrt(-2 * Math.log1p(-uniform53(next)));
    values[i] = radius * Math.cos(angle);
    if (i + 1 < values.length) values[i + 1] = radius * Math.sin(angle);
  }
}

/**
 * `count` standard normals as `torch.randn(count, generator=torch.Generator().manual_seed(seed))` draws them on a CPU:
 * MT19937, 24-bit uniforms, Box–Muller in blocks of 16 of which an incomplete last one is drawn anew (ATen,
 * `native/cpu/DistributionTemplates.h`, `normal_fill`). Agrees with torch to about 2.4e-7.
 */
export function randn(count: number, seed: number): Float32Array<ArrayBuffer> {
  const next = mt19937(seed);
  const values = new Float32Array(count);
  if (count < BLOCK) {
    fewNormals(values, next);
    return values;
  }
  for (let i = 0; i < count; i++) values[i] = uniform24(next);
  for (let at = 0; at + BLOCK <= count; at += BLOCK) fillBlock(values, at);
  if (count % BLOCK !== 0) {
    const last = count - BLOCK;
    for (let i = last; i < count; i++) values[i] = uniform24(next);
    fillBlock(values, last);
  }
  return values;
}

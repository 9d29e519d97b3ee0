import type { Generator } from "./generator.ts";
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

/** Blocks of 16; an incomplete last one is drawn anew together with the values before it. */
function manyNormals(values: Float32Array, next: NextUint32): void {
  const count = values.length;
  for (let i = 0; i < count; i++) values[i] = uniform24(next);
  for (let at = 0; at + BLOCK <= count; at += BLOCK) fillBlock(values, at);
  if (count % BLOCK === 0) return;
  const last = count - BLOCK;
  for (let i = last; i < count; i++) values[i] = uniform24(next);
  fillBlock(values, last);
}

/**
 * Normals as `torch.randn(count, generator=torch.Generator().manual_seed(seed))` draws them on a CPU, call after call:
 * MT19937, 24-bit uniforms, Box–Muller in blocks of 16 (ATen, `native/cpu/DistributionTemplates.h`, `normal_fill`). A draw
 * of fewer than 16 goes through doubles instead, and the second normal of a pair is kept for the next such draw
 * (`core/DistributionsHelper.h`). Agrees with torch to about 2.4e-7. `seed` is taken modulo 2^32.
 */
export function torchGenerator(seed: number): Generator {
  const next = mt19937(seed);
  let kept: number | undefined;

  function fewNormals(values: Float32Array): void {
    for (let i = 0; i < values.length; i++) {
      if (kept !== undefined) {
        values[i] = kept;
        kept = undefined;
        continue;
      }
      const angle = 2 * Math.PI * uniform53(next);
      const radius = Math.sqrt(-2 * Math.log1p(-uniform53(next)));
      values[i] = radius * Math.cos(angle);
      kept = radius * Math.sin(angle);
    }
  }

  return {
    normals: (count) => {
      const values = new Float32Array(count);
      if (count < BLOCK) fewNormals(values);
      else manyNormals(values, next);
      return values;
    },
  };
}

import type { Generator } from "./generator.ts";
import { philox } from "./philox.ts";

const { fround } = Math;
const UNIT = 2 ** -32;
const TURN = fround(UNIT * fround(2 * Math.PI));

/** The first normal of a block of words, by Box–Muller in float32 as cuRAND computes it. */
function normal(x: number, y: number): number {
  const u = fround(fround(fround(x) * UNIT) + UNIT / 2);
  const v = fround(fround(fround(y) * TURN) + fround(TURN / 2));
  return fround(fround(Math.sqrt(fround(-2 * fround(Math.log(u))))) * fround(Math.sin(v)));
}

/**
 * Normals as torch draws them on a large GPU, call after call (`torch.Generator("cuda")`): Philox, one thread an element,
 * the seed as key (ATen, `native/cuda/DistributionTemplates.h`). Each call moves the counter on by one block.
 *
 * "Large": as long as a draw has no more elements than the GPU runs threads at once, which is where GPUs agree with each
 * other (A100 221,184; RTX 4090 196,608; RTX 3060 43,008). Beyond that torch's own sequence depends on the GPU, and this one
 * goes on as if there were a thread for each element. `seed`: 0 to 2^53 − 1.
 */
export function gpuGenerator(seed: number): Generator {
  const [low, high] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
  const words = new Uint32Array(4);
  let block = 0;
  return {
    normals: (count) => {
      const values = new Float32Array(count);
      for (let i = 0; i < count; i++) {
        philox(words, [block, 0, i, 0], low, high);
        values[i] = normal(words[0] ?? 0, words[1] ?? 0);
      }
      block++;
      return values;
    },
  };
}

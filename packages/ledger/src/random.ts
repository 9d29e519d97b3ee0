import { randomFillSync } from "node:crypto";
import type { RandomBytes } from "./ids.ts";

const POOL_BYTES = 8_192;

/**
 * Random bytes from the operating system, asked for by the pool: a call for 16 bytes costs as much as one for thousands. No byte
 * is given out twice. For ids and names; a secret that lives long is better drawn by itself.
 */
export function pooledRandomBytes(): RandomBytes {
  let pool = new Uint8Array(0);
  let at = 0;
  return (size) => {
    if (at + size > pool.length) {
      pool = randomFillSync(new Uint8Array(Math.max(POOL_BYTES, size)));
      at = 0;
    }
    at += size;
    return pool.subarray(at - size, at);
  };
}

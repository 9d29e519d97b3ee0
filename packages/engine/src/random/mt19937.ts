const N = 624;
const M = 397;

/** Yields 32-bit unsigned integers of one MT19937 stream. */
export type NextUint32 = () => number;

/**
 * The Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), seeded as `init_genrand` does, which is what torch's CPU
 * generator uses. `seed` is taken modulo 2^32.
 */
export function mt19937(seed: number): NextUint32 {
  const state = new Uint32Array(N);
  state[0] = seed;
  for (let i = 1; i < N; i++) {
    const previous = state[i - 1] ?? 0;
    state[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
  }
  let position = N;

  const twist = () => {
    for (let i = 0; i < N; i++) {
      const y = ((state[i] ?? 0) & 0x80000000) | ((state[(i + 1) % N] ?? 0) & 0x7fffffff);
      state[i] = (state[(i + M) % N] ?? 0) ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    position = 0;
  };

  return () => {
    if (position === N) twist();
    let y = state[position++] ?? 0;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

// Constants of RFC 7693, sections 2.6 and 2.7.
const IV = [
  0x6a09e667f3bcc908n,
  0xbb67ae8584caa73bn,
  0x3c6ef372fe94f82bn,
  0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n,
  0x9b05688c2b3e6c1fn,
  0x1f83d9abfb41bd6bn,
  0x5be0cd19137e2179n,
];
const SIGMA =
  "0123456789abcdef ea489fd61c02b753 b8c052fdae367194 7931dcbe265a40f8 905724afe1bc683d " +
  "2c6a0b834d75fe19 c51fed4a0763928b db7ec13950f4862a 6fe9b308c2d714a5 a2847615fb9e3cd0";
const SCHEDULE = SIGMA.split(" ").map((round) => Array.from(round, (digit) => Number.parseInt(digit, 16)));
/** The four columns of the state, then its four diagonals. */
const LANES = "048c 159d 26ae 37bf 05af 16bc 278d 349e"
  .split(" ")
  .map((lane) => Array.from(lane, (digit) => Number.parseInt(digit, 16)));
const BLOCK = 128;

/**
 * BLAKE2b without a key, RFC 7693. WebCrypto has none. About 1 MB/s: for prompts, not for pictures.
 * @param length of the digest, bytes, 1 to 64
 */
export function blake2b(data: Uint8Array, length: number): Uint8Array {
  const state = BigUint64Array.from(IV);
  mix(state, 0, 0x01010000n ^ BigInt(length));
  const blocks = Math.max(1, Math.ceil(data.length / BLOCK));
  for (let i = 0; i < blocks; i++) {
    const block = new Uint8Array(BLOCK);
    block.set(data.subarray(i * BLOCK, (i + 1) * BLOCK));
    const isLast = i === blocks - 1;
    compress(state, new DataView(block.buffer), BigInt(isLast ? data.length : (i + 1) * BLOCK), isLast);
  }
  const digest = new DataView(new ArrayBuffer(64));
  state.forEach((word, i) => {
    digest.setBigUint64(i * 8, word, true);
  });
  return new Uint8Array(digest.buffer, 0, length);
}

function compress(state: BigUint64Array, block: DataView, counted: bigint, isLast: boolean): void {
  const v = BigUint64Array.from([...state, ...IV]);
  mix(v, 12, counted);
  if (isLast) mix(v, 14, 0xffff_ffff_ffff_ffffn);
  for (let round = 0; round < 12; round++) {
    const order = SCHEDULE[round % 10] ?? [];
    const word = (i: number) => block.getBigUint64((order[i] ?? 0) * 8, true);
    LANES.forEach(([a = 0, b = 0, c = 0, d = 0], i) => {
      add(v, a, at(v, b) + word(2 * i));
      rotate(v, d, a, 32n);
      add(v, c, at(v, d));
      rotate(v, b, c, 24n);
      add(v, a, at(v, b) + word(2 * i + 1));
      rotate(v, d, a, 16n);
      add(v, c, at(v, d));
      rotate(v, b, c, 63n);
    });
  }
  for (let i = 0; i < 8; i++) mix(state, i, at(v, i) ^ at(v, i + 8));
}

// A BigUint64Array cuts what it is given to 64 bits.
function at(words: BigUint64Array, i: number): bigint {
  return words[i] ?? 0n;
}

function add(words: BigUint64Array, i: number, value: bigint): void {
  words[i] = at(words, i) + value;
}

function mix(words: BigUint64Array, i: number, value: bigint): void {
  words[i] = at(words, i) ^ value;
}

/** Mixes word `j` into word `i` and turns the result to the right. */
function rotate(words: BigUint64Array, i: number, j: number, bits: bigint): void {
  const word = at(words, i) ^ at(words, j);
  words[i] = (word >> bits) | (word << (64n - bits));
}

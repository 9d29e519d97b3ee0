/** Four 32-bit words. */
export type Words = readonly [number, number, number, number];

/** The upper half of the product of two 32-bit words. */
function high(a: number, b: number): number {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const cross = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + (cross >>> 16)) | 0;
}

/** Philox 4×32-10 (Salmon et al., 2011): writes the block of random words of a counter and a key into `words`. */
export function philox(words: Uint32Array, counter: Words, key0: number, key1: number): void {
  let [a, b, c, d] = counter;
  let k0 = key0 | 0;
  let k1 = key1 | 0;
  for (let round = 0; round < 10; round++) {
    const aHigh = high(a, 0xd2511f53);
    const aLow = Math.imul(a, 0xd2511f53);
    const cHigh = high(c, 0xcd9e8d57);
    const cLow = Math.imul(c, 0xcd9e8d57);
    a = cHigh ^ b ^ k0;
    b = cLow;
    c = aHigh ^ d ^ k1;
    d = aLow;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  words[0] = a;
  words[1] = b;
  words[2] = c;
  words[3] = d;
}

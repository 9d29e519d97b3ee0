import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { readFields } from "../src/folder/fields.ts";
import { createGenerator } from "../src/random/create-generator.ts";
import { mt19937 } from "../src/random/mt19937.ts";
import { philox } from "../src/random/philox.ts";
import { torchGenerator } from "../src/random/torch-generator.ts";

const randn = (count: number, seed: number) => torchGenerator(seed).normals(count);

test("randn of seed 0 is torch's", () => {
  const golden = readFields(import.meta.dirname, "schedulers/scaled.json").numbers("randn_seed0_768");
  const values = randn(768, 0);
  assert.ok(golden.length >= 16);
  for (const [i, value] of golden.entries()) {
    assert.ok(Math.abs((values[i] ?? Number.NaN) - value) <= 3e-7, `value ${i}: ${values[i]} instead of ${value}`);
  }
});

test("the twister gives the reference stream", () => {
  // First outputs of the authors' init_genrand(5489), which is also std::mt19937's default.
  const next = mt19937(5489);
  assert.deepEqual([next(), next(), next()], [3499211612, 581869302, 3890346734]);
  for (let i = 3; i < 9999; i++) next();
  assert.equal(next(), 4123659995, "the 10,000th value is fixed by the C++ standard");
});

test("an incomplete last block of 16 is drawn again", () => {
  const whole = randn(32, 9);
  const odd = randn(20, 9);
  assert.deepEqual(odd.slice(0, 4), whole.slice(0, 4));
  assert.notDeepEqual(odd.slice(4, 16), whole.slice(4, 16));
});

test("few values are finite and depend on the seed", () => {
  for (let count = 1; count < 16; count++) {
    const values = randn(count, 3);
    assert.ok(values.every((x) => Number.isFinite(x) && x !== 0));
    assert.notDeepEqual(values, randn(count, 4));
  }
});

interface Draw {
  readonly count: number;
  readonly first: readonly number[];
  readonly last: readonly number[];
  readonly sum: number;
}

describe("draws after each other of one generator are torch's", () => {
  // The file is written by scripts/reference/normals.py in this form.
  const { generators } = JSON.parse(readFileSync(join(import.meta.dirname, "random/torch.json"), "utf8")) as {
    readonly generators: readonly { readonly seed: number; readonly draws: readonly Draw[] }[];
  };
  for (const { seed, draws } of generators) {
    test(`seed ${seed}: ${draws.map(({ count }) => count).join(", ")}`, () => {
      const generator = torchGenerator(seed);
      for (const { count, first, last, sum } of draws) {
        const values = generator.normals(count);
        const pairs = [...first.map((x, i) => [x, values[i]]), ...last.map((x, i) => [x, values.at(i - last.length)])];
        for (const [expected = 0, value = Number.NaN] of pairs) {
          assert.ok(Math.abs(value - expected) <= 3e-7, `${value} instead of ${expected} in a draw of ${count}`);
        }
        const total = values.reduce((a, b) => a + b, 0);
        assert.ok(Math.abs(total - sum) <= 3e-7 * count, `sum ${total} instead of ${sum}`);
      }
    });
  }
});

describe("the sequence of a large GPU", () => {
  // Known answers of Random123, the authors' own library (tests/kat_vectors).
  for (const [counter, key, expected] of [
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const) {
    test(`Philox of counter ${counter[0].toString(16)} gives the authors' words`, () => {
      const words = new Uint32Array(4);
      philox(words, counter, key[0], key[1]);
      assert.deepEqual([...words], expected);
    });
  }

  test("seed 0 gives the twelve numbers that torch.randn(3, 4) of a CUDA generator is known for", () => {
    // From the documentation of AUTOMATIC1111's stable-diffusion-webui, modules/rng_philox.py, which computes in float64.
    const known = [
      -0.92466259, -0.42534415, -2.6438457, 0.14518388, -0.12086647, -0.57972564, -0.62285122, -0.32838709, -1.07454231,
      -0.36314407, -1.67105067, 2.26550497,
    ];
    const values = createGenerator("gpu", 0).normals(12);
    for (const [i, value] of known.entries()) {
      assert.ok(Math.abs((values[i] ?? Number.NaN) - value) <= 2e-6, `${values[i]} instead of ${value}`);
    }
  });

  test("each call draws anew, the same again for the same seed, and high seed bits count", () => {
    const [a, b] = [createGenerator("gpu", 5), createGenerator("gpu", 5)];
    const first = a.normals(100);
    assert.deepEqual(first, b.normals(100));
    assert.notDeepEqual(a.normals(100), first);
    assert.notDeepEqual(createGenerator("gpu", 5 + 2 ** 32).normals(100), first);
  });

  test("numbers are normal: mean 0, variance 1, finite", () => {
    const values = createGenerator("gpu", 3).normals(40_000);
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
    assert.ok(values.every(Number.isFinite));
    assert.ok(Math.abs(mean) < 0.02 && Math.abs(variance - 1) < 0.03, `${mean}, ${variance}`);
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { readFields } from "../src/folder/fields.ts";
import { mt19937 } from "../src/random/mt19937.ts";
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

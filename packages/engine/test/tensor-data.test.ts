import assert from "node:assert/strict";
import { test } from "node:test";
import { floatsOf, fromHalf, makeTensor, toHalf } from "../src/network/tensor-data.ts";

test("every half survives the way to a number and back", () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = fromHalf(bits);
    if (Number.isNaN(value)) assert.equal(toHalf(value), 0x7e00);
    else assert.equal(toHalf(value), bits, `${value}`);
  }
});

test("halves round to the nearest, ties to even, and overflow to infinity", () => {
  assert.equal(fromHalf(0x3555), 0.333251953125);
  assert.equal(toHalf(1 / 3), 0x3555);
  assert.equal(toHalf(1 + 2 ** -11), 0x3c00, "a tie goes down to even");
  assert.equal(toHalf(1 + 3 * 2 ** -11), 0x3c02, "a tie goes up to even");
  assert.equal(toHalf(2047.5), 0x6800, "a carry reaches the exponent");
  assert.equal(toHalf(65519), 0x7bff);
  assert.equal(toHalf(65520), 0x7c00);
  assert.equal(toHalf(-1e9), 0xfc00);
  assert.equal(toHalf(2 ** -25), 0, "half the smallest subnormal is a tie with 0");
  assert.equal(toHalf(2 ** -24), 1);
});

test("tensors have the type that is asked for, and give floats back", () => {
  const half = makeTensor("float16", [0.5, -2], [2]);
  assert.equal(half.type, "float16");
  assert.deepEqual([...floatsOf(half)], [0.5, -2]);
  assert.deepEqual([...floatsOf(makeTensor("float32", [0.25], [1]))], [0.25]);
  assert.deepEqual(makeTensor("int64", [888.6], []).data, BigInt64Array.of(889n));
  assert.deepEqual(makeTensor("int32", [7], [1]).data, Int32Array.of(7));
  assert.throws(() => floatsOf(makeTensor("int32", [7], [1])), TypeError);
});

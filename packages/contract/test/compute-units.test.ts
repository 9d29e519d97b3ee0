import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { computeUnits, type Work } from "../src/index.ts";

const work = (fields: Partial<Work> = {}): Work => ({
  images: 1,
  width: 256,
  height: 256,
  quality: "medium",
  steps: 16,
  ...fields,
});
const count = (max: number) => fc.integer({ min: 1, max });

test("units are images × width × height × multiplier, rounded up", () => {
  assert.equal(computeUnits(work({ images: 3, width: 1024, height: 512 }), { perMille: 1000 }), 3 * 1024 * 512);
  assert.equal(computeUnits(work({ width: 1, height: 1 }), { perMille: 1 }), 1);
  assert.equal(computeUnits(work({ width: 1001, height: 1 }), { perMille: 1000 }), 1001);
  assert.equal(computeUnits(work({ width: 3, height: 1 }), { perMille: 1500 }), 5);
});

test("quality and steps change the price where the card says so", () => {
  const pricing = { perMille: 1000, quality: { high: 4000 }, stepsBase: 16 };
  assert.equal(computeUnits(work({ quality: "high", width: 10, height: 10 }), pricing), 400);
  assert.equal(computeUnits(work({ quality: "low", width: 10, height: 10, steps: 8 }), pricing), 50);
});

test("agrees with exact rational arithmetic, is never 0, and never loses a unit to rounding", () => {
  fc.assert(
    fc.property(count(10), count(20_000), count(20_000), count(100_000), (images, width, height, perMille) => {
      const units = BigInt(computeUnits(work({ images, width, height }), { perMille }));
      const exact = BigInt(images) * BigInt(width) * BigInt(height) * BigInt(perMille);
      assert.ok(units >= 1n && units * 1000n >= exact && (units - 1n) * 1000n < exact);
    }),
  );
});

test("more of anything never costs less", () => {
  fc.assert(
    fc.property(count(9), count(9_999), count(9_999), count(9_999), (images, width, height, perMille) => {
      const base = computeUnits(work({ images, width, height }), { perMille });
      assert.ok(computeUnits(work({ images: images + 1, width, height }), { perMille }) >= base);
      assert.ok(computeUnits(work({ images, width: width + 1, height }), { perMille }) >= base);
      assert.ok(computeUnits(work({ images, width, height }), { perMille: perMille + 1 }) >= base);
    }),
  );
});

test("values that would wrap, vanish or turn negative are refused", () => {
  for (const images of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    assert.throws(() => computeUnits(work({ images }), { perMille: 1000 }), RangeError, String(images));
  }
  const huge = Number.MAX_SAFE_INTEGER;
  assert.throws(() => computeUnits(work({ width: huge, height: 2 }), { perMille: 1000 }), /exceed/);
  assert.throws(() => computeUnits(work(), { perMille: 0 }), RangeError);
});

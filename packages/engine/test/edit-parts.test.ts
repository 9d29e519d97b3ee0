import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fieldsOf } from "../src/folder/fields.ts";
import { compose, softened } from "../src/image/compose.ts";
import { intoFrame, resample } from "../src/image/frame.ts";
import { toPixels, toPlanes } from "../src/image/pixels.ts";
import { paintedCells } from "../src/pipeline/canvas.ts";
import { skippedSteps, strengthOf } from "../src/pipeline/strength.ts";
import { torchGenerator } from "../src/random/torch-generator.ts";
import { createScheduler } from "../src/schedulers/create-scheduler.ts";
import type { Latent } from "../src/schedulers/scheduler.ts";

const f = Math.fround;

describe("noise added to a finished latent", () => {
  const original: Latent = Float32Array.of(1, -2, 0.5);
  const noise: Latent = Float32Array.of(0.25, 1, -1);
  const blend = (signal: number, sigma: number) =>
    original.map((x, i) => f(f(signal * x) + f(sigma * (noise[i] ?? 0))));
  const near = (actual: Latent, expected: Latent) => {
    for (const [i, value] of expected.entries())
      assert.ok(Math.abs((actual[i] ?? 9) - value) < 2e-6, `${actual} is not ${expected}`);
  };
  const make = (config: Record<string, unknown>) =>
    createScheduler(fieldsOf({ num_train_timesteps: 1000, ...config }, "c")).plan({ steps: 4 });

  test("flow matching: (1 − σ)·x + σ·ε, by hand", () => {
    // Of shift 2 and 4 steps: t from 1 to the smallest sigma, 2·0.001/1.001, and each shifted by 2t/(1 + t).
    const schedule = make({ _class_name: "FlowMatchEulerDiscreteScheduler", shift: 2 });
    const smallest = 0.002 / 1.001;
    for (const i of [0, 1, 2, 3]) {
      const t = 1 + (i / 3) * (smallest - 1);
      const sigma = (2 * t) / (1 + t);
      near(schedule.addNoise(original, noise, i), blend(1 - sigma, sigma));
    }
    assert.deepEqual(schedule.addNoise(original, noise, 0), noise);
    assert.deepEqual(schedule.addNoise(original, noise, 4), original);
  });

  test("Euler: x + σ·ε, by hand", () => {
    const schedule = make({
      _class_name: "EulerDiscreteScheduler",
      beta_start: 0.1,
      beta_end: 0.1,
      timestep_spacing: "leading",
    });
    // With β = 0.1 throughout, ᾱ(t) = 0.9^(t + 1); leading steps of 4 are at t = 750, 500, 250, 0.
    const sigma = Math.sqrt((1 - 0.9) / 0.9);
    near(schedule.addNoise(original, noise, 3), blend(1, sigma));
    assert.deepEqual(schedule.addNoise(original, noise, 4), original);
  });

  test("DDIM: √ᾱ·x + √(1 − ᾱ)·ε, by hand", () => {
    const schedule = make({ _class_name: "DDIMScheduler", beta_start: 0.001, beta_end: 0.001, clip_sample: false });
    for (const [i, t] of [750, 500, 250, 0].entries()) {
      const alpha = 0.999 ** (t + 1);
      const actual = schedule.addNoise(original, noise, i);
      // The product of a thousand float32 factors differs from the power in the fifth digit.
      const expected = blend(Math.sqrt(alpha), Math.sqrt(1 - alpha));
      for (const [k, value] of expected.entries()) assert.ok(Math.abs((actual[k] ?? 9) - value) < 5e-5);
    }
    assert.deepEqual(schedule.addNoise(original, noise, 4), original);
  });

  for (const _class_name of ["FlowMatchEulerDiscreteScheduler", "EulerDiscreteScheduler", "DDIMScheduler"]) {
    test(`${_class_name}: a network that knows the truth comes back to the original from every level`, () => {
      const schedule = make({ _class_name, beta_schedule: "scaled_linear", clip_sample: false });
      const truth = _class_name.startsWith("Flow") ? noise.map((e, i) => e - (original[i] ?? 0)) : noise;
      for (let start = 0; start < 4; start++) {
        let latent = schedule.addNoise(original, noise, start);
        const run = schedule.begin(torchGenerator(0), start);
        for (let i = start; i < 4; i++) {
          latent = run.step(truth, latent);
          if (i + 1 < 4) near(latent, schedule.addNoise(original, noise, i + 1));
        }
        for (const [i, value] of original.entries())
          assert.ok(Math.abs((latent[i] ?? 9) - value) < 2e-3, `${start}: ${latent}`);
      }
    });
  }
});

test("strength is the share of the steps that are run, at least one, as diffusers counts them", () => {
  const rule = (name: string, latentConsistency = false) => ({
    family: "sd" as const,
    latentConsistency,
    scheduler: { name, maxSteps: 100, plan: () => assert.fail("counting needs no plan") },
  });
  const run = (name: string, steps: number, strength: number) =>
    steps - skippedSteps(steps, strength, rule(name), false);
  assert.deepEqual(
    [16, 5, 1, 30].map((steps) => run("PNDMScheduler", steps, 0.8)),
    [12, 4, 1, 24],
  );
  assert.deepEqual([run("PNDMScheduler", 10, 0.85), run("FlowMatchEulerDiscreteScheduler", 10, 0.85)], [8, 9]);
  assert.deepEqual([run("PNDMScheduler", 16, 1), run("PNDMScheduler", 3, 0.01)], [16, 1]);
  assert.equal(skippedSteps(4, 0.5, rule("LCMScheduler", true), false), 0, "LCM spreads all its steps over the rest");
  const mask = { bytes: new Uint8Array(), format: "png", orientation: 1, alpha: true, width: 1, height: 1 } as const;
  assert.deepEqual(
    [undefined, mask].map((m) =>
      (["low", "high", undefined] as const).map((inputFidelity) => strengthOf({ mask: m, inputFidelity })),
    ),
    [
      [0.85, 0.7, 0.85],
      [1, 0.8, 1],
    ],
  );
});

test("pixels become planes and come back", () => {
  const data = Uint8Array.from({ length: 3 * 12 }, (_, i) => (i * 37) % 256);
  assert.deepEqual(toPixels(toPlanes(data), 4, 3).data, data);
  assert.deepEqual(
    [...toPlanes(Uint8Array.of(0, 255, 51))].map((x) => Math.round(x * 1000)),
    [-1000, 1000, -600],
  );
});

test("a picture in a frame of another ratio is in its middle, its border drawn out; cutting gives it back", async () => {
  const data = Uint8Array.from({ length: 3 * 64 * 32 }, (_, i) => (Math.floor(i / 3) % 64) * 4);
  const picture = { data, width: 64, height: 32 };
  const frame = { width: 64, height: 48 };
  const framed = await intoFrame(picture, 3, frame);
  assert.equal(framed.length, 3 * 64 * 48);
  assert.deepEqual([...framed.subarray(0, 3 * 64)], [...data.subarray(0, 3 * 64)], "above is the first row again");
  assert.deepEqual(framed.subarray(3 * 64 * 8, 3 * 64 * 40), Buffer.from(data));
  const back = await resample({ data: new Uint8Array(framed), ...frame }, picture);
  assert.deepEqual(back.data, data);
  assert.equal((await intoFrame({ data: new Uint8Array(64 * 32), width: 64, height: 32 }, 1, frame)).length, 64 * 48);
});

test("a cell is painted anew as soon as one of its pixels is", () => {
  const map = new Uint8Array(8 * 4);
  map[8 + 5] = 200;
  map[3 * 8] = 100;
  assert.deepEqual([...paintedCells(map, { rows: 2, columns: 4 }, 2)], [0, 0, 1, 0, 0, 0, 0, 0]);
});

test("a map's edges soften inwards only, and a composition keeps every pixel outside", async () => {
  const [width, height] = [64, 48];
  const inside = (x: number, y: number) => x >= 16 && x < 48 && y >= 12 && y < 36;
  const each = <T>(value: (x: number, y: number) => T) =>
    Array.from({ length: width * height }, (_, i) => value(i % width, Math.floor(i / width)));
  const map = { data: Uint8Array.from(each((x, y) => (inside(x, y) ? 255 : 0))), width, height };
  const soft = await softened(map);
  const at = (x: number, y: number) => soft.data[y * width + x] ?? -1;
  for (const [i, paint] of map.data.entries()) if (paint === 0) assert.equal(soft.data[i], 0);
  assert.equal(at(32, 24), 255);
  assert.ok(at(16, 24) > 0 && at(16, 24) < 255 && at(17, 24) > at(16, 24), `${at(16, 24)} ${at(17, 24)}`);

  const picture = (level: number) => ({ data: new Uint8Array(3 * width * height).fill(level), width, height });
  const composed = compose(picture(10), picture(210), soft);
  for (const [i, share] of soft.data.entries()) {
    const expected = Math.round(10 + (share / 255) * 200);
    assert.equal(composed.data[3 * i], expected);
  }
  const none = { ...map, data: new Uint8Array(width * height) };
  assert.deepEqual(compose(picture(10), picture(210), await softened(none)).data, picture(10).data);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { renderSize } from "../src/folder/native-size.ts";
import { pixelSteps } from "../src/pipeline/pixel-steps.ts";

const native = { pixels: 65_536, multiple: 32, maxAspectRatio: 3 };

test("without a native size the requested one is rendered", () => {
  assert.deepEqual(renderSize({ width: 640, height: 384 }, undefined), { width: 640, height: 384 });
});

test("squares of any size are rendered as the native square", () => {
  for (const side of [256, 512, 1024, 2048]) {
    assert.deepEqual(renderSize({ width: side, height: side }, native), { width: 256, height: 256 });
  }
});

test("the nearest aspect ratio wins, and turning the picture turns the answer", () => {
  assert.deepEqual(renderSize({ width: 640, height: 384 }, native), { width: 320, height: 192 });
  assert.deepEqual(renderSize({ width: 512, height: 768 }, native), { width: 192, height: 288 });
  assert.deepEqual(renderSize({ width: 768, height: 512 }, native), { width: 288, height: 192 });
});

test("every rendered size has whole multiples, about the native area and no longer a shape than allowed", () => {
  for (let width = 256; width <= 3840; width += 112) {
    for (let height = 256; height <= 3840; height += 112) {
      const size = renderSize({ width, height }, native);
      assert.equal(size.width % 32, 0);
      assert.equal(size.height % 32, 0);
      const area = (size.width * size.height) / native.pixels;
      assert.ok(area >= 0.8 && area <= 1.25, `${width}x${height}: area ${area}`);
      assert.ok(Math.max(size.width, size.height) <= 3 * Math.min(size.width, size.height));
      const wanted = width / height;
      if (wanted <= 3 && wanted >= 1 / 3) {
        const error = Math.abs(Math.log(size.width / size.height / wanted));
        assert.ok(error < 0.1, `${width}x${height}: ratio off by ${error}`);
      }
    }
  }
});

test("work is counted in rendered pixels", () => {
  assert.equal(pixelSteps({ n: 3, width: 1024, height: 1024, steps: 10 }, native), 3 * 65_536 * 10);
  assert.equal(pixelSteps({ n: 1, width: 1024, height: 512, steps: 10 }, undefined), 1024 * 512 * 10);
});

test("a native size that no multiple can make is refused", () => {
  assert.throws(() => renderSize({ width: 256, height: 256 }, { ...native, multiple: 1024 }), RangeError);
});

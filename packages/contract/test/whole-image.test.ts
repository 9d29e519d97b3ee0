import assert from "node:assert/strict";
import { test } from "node:test";
import sharp from "sharp";
import { readWholeImage } from "../src/index.ts";

const make = (alpha?: number) => {
  const colour = { r: 200, g: 30, b: 40 };
  const ground = alpha === undefined ? colour : { ...colour, alpha };
  return sharp({ create: { width: 40, height: 24, channels: alpha === undefined ? 3 : 4, background: ground } });
};

test("format and size of whole pictures, and whether a PNG can be transparent", async () => {
  const size = { width: 40, height: 24, orientation: 1 };
  const grey = make().toColourspace("b-w");
  const clear = make(0.5);
  for (const [bytes, alpha] of [
    [await make().png().toBuffer(), false],
    [await clear.clone().png().toBuffer(), true],
    [await make().png({ palette: true }).toBuffer(), false],
    [await clear.clone().png({ palette: true }).toBuffer(), true],
    [await grey.clone().png().toBuffer(), false],
    [await clear.clone().toColourspace("b-w").png().toBuffer(), true],
  ] as const) {
    assert.deepEqual(readWholeImage(bytes), { format: "png", ...size, alpha });
    for (let cut = 0; cut < bytes.length; cut++) assert.equal(readWholeImage(bytes.subarray(0, cut)), undefined);
  }
  assert.deepEqual(readWholeImage(await make().jpeg().toBuffer()), { format: "jpeg", ...size });
  assert.deepEqual(readWholeImage(await clear.clone().webp().toBuffer()), { format: "webp", ...size });
});

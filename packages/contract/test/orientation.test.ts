import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import sharp from "sharp";
import { readImageHeader, readOrientation, readWholeImage } from "../src/index.ts";

const FORMATS = ["jpeg", "png", "webp"] as const;

/** A stored picture of 40 × 24 pixels. */
function stored(format: (typeof FORMATS)[number], orientation: number): Promise<Buffer> {
  const plain = sharp({ create: { width: 40, height: 24, channels: 3, background: { r: 200, g: 30, b: 40 } } });
  return plain.withMetadata({ orientation }).toFormat(format).toBuffer();
}

/** EXIF data with one entry in its first directory. */
function exif(order: "II" | "MM", { tag = 0x0112, type = 3, count = 1, value = 6 } = {}): DataView {
  const view = new DataView(new ArrayBuffer(26));
  const little = order === "II";
  view.setUint16(0, little ? 0x4949 : 0x4d4d);
  view.setUint16(2, 42, little);
  view.setUint32(4, 8, little);
  view.setUint16(8, 1, little);
  view.setUint16(10, tag, little);
  view.setUint16(12, type, little);
  view.setUint32(14, count, little);
  view.setUint16(18, value, little);
  return view;
}

test("the sides of a JPEG, PNG or WebP are those that people see, for each of the eight orientations", async () => {
  for (const format of FORMATS) {
    for (let orientation = 1; orientation <= 8; orientation++) {
      const bytes = await stored(format, orientation);
      const [width, height] = orientation >= 5 ? [24, 40] : [40, 24];
      const { alpha: _, ...whole } = readWholeImage(bytes) ?? {};
      assert.deepEqual(whole, { format, width, height, orientation }, `${format} ${orientation}`);
      assert.deepEqual(readImageHeader(bytes), { format, width, height, orientation });
    }
  }
});

test("EXIF data after a JPEG's frame header, behind bytes that fill, and behind another APP1 is found", async () => {
  const jpeg = await stored("jpeg", 6);
  const xmp = Buffer.from([0xff, 0xe1, 0, 10, ...Buffer.from("http://x")]);
  const moved = Buffer.concat([jpeg.subarray(0, 2), xmp, Buffer.from([0xff, 0xff]), jpeg.subarray(2)]);
  assert.deepEqual(readWholeImage(moved), { format: "jpeg", width: 24, height: 40, orientation: 6 });

  const exifAt = jpeg.indexOf(Buffer.from([0xff, 0xe1]));
  const segment = jpeg.subarray(exifAt, exifAt + 2 + jpeg.readUInt16BE(exifAt + 2));
  const rest = Buffer.concat([jpeg.subarray(0, exifAt), jpeg.subarray(exifAt + segment.length)]);
  const scan = rest.indexOf(Buffer.from([0xff, 0xda]));
  const late = Buffer.concat([rest.subarray(0, scan), segment, rest.subarray(scan)]);
  assert.deepEqual(readWholeImage(late), { format: "jpeg", width: 24, height: 40, orientation: 6 });
});

test("both byte orders are read; what EXIF does not know counts as no orientation", () => {
  for (const order of ["II", "MM"] as const) {
    for (let value = 1; value <= 8; value++) assert.equal(readOrientation(exif(order, { value })), value);
    for (const odd of [{ value: 0 }, { value: 9 }, { type: 4 }, { count: 2 }, { tag: 0x0113 }]) {
      assert.equal(readOrientation(exif(order, odd)), 1, JSON.stringify(odd));
    }
  }
});

test("EXIF data of any bytes, and cut anywhere, gives an orientation and never throws", () => {
  const whole = new Uint8Array(exif("MM").buffer);
  for (let cut = 0; cut < whole.length; cut++) {
    assert.ok([1, 6].includes(readOrientation(new DataView(whole.slice(0, cut).buffer))));
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, little) => {
      const view = new DataView(new Uint8Array([...(little ? [0x49, 0x49] : [0x4d, 0x4d]), ...bytes]).buffer);
      const orientation = readOrientation(view);
      assert.ok(orientation >= 1 && orientation <= 8);
    }),
  );
});

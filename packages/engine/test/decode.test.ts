import assert from "node:assert/strict";
import { test } from "node:test";
import sharp, { type Color } from "sharp";
import { decodeImage, decodeMask, InputImageError, limitLoaders } from "../src/image/decode.ts";
import { randomBytes } from "./support.ts";

limitLoaders();

const SIZE = { width: 24, height: 16 };
const plain = (background: Color, channels: 3 | 4 = 3) => sharp({ create: { ...SIZE, channels, background } });
const RED = { r: 200, g: 30, b: 40 };

/** The left half of one colour on another. */
function halves(left: Color, right: Color, width = 24, height = 16) {
  const half = { create: { width: width / 2, height, channels: 3 as const, background: left } };
  return sharp({ create: { width, height, channels: 3, background: right } }).composite([
    { input: half, left: 0, top: 0 },
  ]);
}

test("every form of picture becomes eight-bit sRGB", async () => {
  const forms = {
    png: await plain(RED).png().toBuffer(),
    palette: await plain(RED).png({ palette: true }).toBuffer(),
    "16 bits": await plain(RED).toColourspace("rgb16").png().toBuffer(),
    jpeg: await plain(RED).jpeg({ quality: 100, chromaSubsampling: "4:4:4" }).toBuffer(),
    cmyk: await plain(RED).toColourspace("cmyk").jpeg({ quality: 100 }).toBuffer(),
    webp: await plain(RED).webp({ lossless: true }).toBuffer(),
  };
  for (const [name, bytes] of Object.entries(forms)) {
    const { data, width, height } = await decodeImage(bytes, SIZE);
    assert.deepEqual([width, height, data.length], [24, 16, 3 * 24 * 16], name);
    // Profiles of inks do not hold every colour.
    const slack = name === "cmyk" ? 30 : 2;
    for (const [i, value] of [RED.r, RED.g, RED.b].entries()) {
      assert.ok(Math.abs((data[i] ?? 0) - value) <= slack, `${name}: ${data.subarray(0, 3)}`);
    }
  }
  const grey = await decodeImage(await plain({ r: 90, g: 90, b: 90 }).toColourspace("b-w").png().toBuffer(), SIZE);
  assert.deepEqual([...grey.data.subarray(0, 3)], [90, 90, 90]);
});

test("what is transparent lies on white", async () => {
  const { data } = await decodeImage(
    await plain({ ...RED, alpha: 0 }, 4)
      .png()
      .toBuffer(),
    SIZE,
  );
  assert.deepEqual([...data.subarray(0, 3)], [255, 255, 255]);
});

test("another size is resampled and cut evenly", async () => {
  const { data } = await decodeImage(await halves("black", "white", 96, 32).png().toBuffer(), {
    width: 16,
    height: 16,
  });
  // Of 3:1 the middle third is left, half black, half white.
  assert.ok((data[0] ?? 255) < 10 && (data[45] ?? 0) > 245, `${data.subarray(0, 48)}`);
});

/** Pixels of which no two are alike, as they are seen; 40 × 24. */
const SEEN = {
  width: 40,
  height: 24,
  data: Uint8Array.from(
    { length: 3 * 40 * 24 },
    (_, i) => 6 * ([Math.floor(i / 3) % 40, Math.floor(i / 120), 5][i % 3] ?? 0),
  ),
};

/** The same pixels as they are stored with an orientation, by the table of EXIF. */
function storedAs(orientation: number, seen: { width: number; height: number; data: Uint8Array }, channels: 3 | 4) {
  const swapped = orientation >= 5;
  const [width, height] = swapped ? [seen.height, seen.width] : [seen.width, seen.height];
  const [right, bottom] = [seen.width - 1, seen.height - 1];
  const data = new Uint8Array(seen.data.length);
  for (let y = 0; y < seen.height; y++) {
    for (let x = 0; x < seen.width; x++) {
      // Where the pixel that is seen at (x, y) lies in the file.
      const [column, row] =
        [
          [x, y],
          [right - x, y],
          [right - x, bottom - y],
          [x, bottom - y],
          [y, x],
          [y, right - x],
          [bottom - y, right - x],
          [bottom - y, x],
        ][orientation - 1] ?? [];
      const [to, from] = [channels * ((row ?? 0) * width + (column ?? 0)), channels * (y * seen.width + x)];
      data.set(seen.data.subarray(from, from + channels), to);
    }
  }
  return sharp(data, { raw: { width, height, channels } }).withMetadata({ orientation });
}

test("a picture and a mask of any of the eight orientations are decoded as they are seen, however they are cut", async () => {
  const rgba = { ...SEEN, data: Uint8Array.from({ length: 4 * 40 * 24 }, (_, i) => Math.floor(i / 4) % 251) };
  for (const size of [{ width: 40, height: 24 }, { width: 24, height: 40 }, SIZE, { width: 11, height: 30 }]) {
    const upright = await decodeImage(await storedAs(1, SEEN, 3).png().toBuffer(), size);
    const mask = await decodeMask(await storedAs(1, rgba, 4).png().toBuffer(), size);
    for (let orientation = 2; orientation <= 8; orientation++) {
      for (const file of [
        await storedAs(orientation, SEEN, 3).png().toBuffer(),
        await storedAs(orientation, SEEN, 3).webp({ lossless: true }).toBuffer(),
      ]) {
        assert.deepEqual(await decodeImage(file, size), upright, `${orientation} at ${size.width}x${size.height}`);
      }
      const turned = await decodeMask(await storedAs(orientation, rgba, 4).png().toBuffer(), size);
      assert.deepEqual(turned, mask, `mask ${orientation} at ${size.width}x${size.height}`);
    }
  }
});

test("a JPEG is turned as a PNG is", async () => {
  for (const orientation of [3, 6, 8]) {
    const seen = { width: 40, height: 24, data: SEEN.data.map((_, i) => (Math.floor(i / 3) % 40 < 20 ? 0 : 255)) };
    const bytes = await storedAs(orientation, seen, 3).jpeg({ quality: 100 }).toBuffer();
    const { data } = await decodeImage(bytes, { width: 40, height: 24 });
    assert.ok((data[0] ?? 255) < 20 && (data[117] ?? 0) > 235, `orientation ${orientation}`);
  }
});

test("a mask paints where it is transparent, in every form of PNG", async () => {
  const half = { create: { width: 12, height: 16, channels: 4 as const, background: { r: 0, g: 0, b: 0, alpha: 1 } } };
  const mask = plain({ r: 0, g: 0, b: 0, alpha: 0 }, 4).composite([{ input: half, left: 0, top: 0 }]);
  for (const bytes of [
    await mask.clone().png().toBuffer(),
    await mask.clone().png({ palette: true }).toBuffer(),
    await mask.clone().toColourspace("rgb16").png().toBuffer(),
    await mask.clone().toColourspace("b-w").png().toBuffer(),
  ]) {
    const { data, width, height } = await decodeMask(bytes, SIZE);
    assert.deepEqual(
      [width, height, data.length, data[0], data[11], data[12], data[23]],
      [24, 16, 384, 0, 0, 255, 255],
    );
  }
});

async function isRefused(decoding: Promise<unknown>, param: "image" | "mask"): Promise<void> {
  await assert.rejects(decoding, (error) => error instanceof InputImageError && error.param === param);
}

test("S-129 what no picture may be: other formats, animations, too many pixels, cut off, empty", async () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="16"><rect width="9" height="9"/></svg>';
  const animated = await sharp([await plain("red").png().toBuffer(), await plain("blue").png().toBuffer()], {
    join: { animated: true },
  })
    .webp()
    .toBuffer();
  assert.equal((await sharp(animated, { pages: -1 }).metadata()).pages, 2);
  const png = await plain(RED).png().toBuffer();
  const bomb = Buffer.from(png);
  bomb.writeUInt32BE(50_000, 16);
  bomb.writeUInt32BE(50_000, 20);
  for (const bytes of [
    Buffer.from(svg),
    await plain(RED).gif().toBuffer(),
    await plain(RED).tiff().toBuffer(),
    animated,
    bomb,
    png.subarray(0, png.length - 30),
    Buffer.alloc(0),
    randomBytes(500, 1),
  ]) {
    await isRefused(decodeImage(bytes, SIZE), "image");
    await isRefused(decodeMask(bytes, SIZE), "mask");
  }
  await isRefused(decodeMask(await plain(RED).jpeg().toBuffer(), SIZE), "mask");
  const large = await sharp({ create: { width: 4097, height: 4096, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  await isRefused(decodeImage(large, SIZE), "image");
});

test("S-129 damaged pictures are decoded or refused, never worse", async () => {
  const noise = sharp(randomBytes(24 * 16 * 3, 2), { raw: { ...SIZE, channels: 3 } });
  const originals = [
    await noise.clone().png().toBuffer(),
    await noise.clone().jpeg().toBuffer(),
    await noise.clone().jpeg({ progressive: true }).toBuffer(),
    await noise.clone().webp().toBuffer(),
    await noise.clone().webp({ lossless: true }).toBuffer(),
  ];
  let refused = 0;
  for (let round = 0; round < 400; round++) {
    const bytes = Buffer.from(originals[round % originals.length] ?? "");
    const random = randomBytes(24, round + 10);
    for (let i = 0; i < 1 + (round % 8); i++) bytes[random.readUInt16LE(2 * i) % bytes.length] = random[16 + i] ?? 0;
    try {
      const { data } = await decodeImage(bytes, SIZE);
      assert.equal(data.length, 3 * 24 * 16);
    } catch (error) {
      assert.ok(error instanceof InputImageError, String(error));
      refused++;
    }
  }
  assert.ok(refused > 50 && refused < 400, `${refused} of 400 refused`);
});

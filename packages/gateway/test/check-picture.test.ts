import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { crc32, deflateSync } from "node:zlib";
import type { OutputFormat } from "@atoma/contract";
import fc from "fast-check";
import sharp, { type Sharp } from "sharp";
import { checkPicture } from "../src/pictures/check-picture.ts";

const WIDTH = 256;
const HEIGHT = 192;
const noise = () => sharp(randomBytes(WIDTH * HEIGHT * 3), { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
const MARKUP = Buffer.from("<script>alert(1)</script>");

const check = (bytes: Uint8Array, format: OutputFormat, width = WIDTH, height = HEIGHT) =>
  checkPicture({ index: 0, bytes, seed: undefined, width, height, format });

function chunk(type: string, body: Uint8Array): Buffer {
  const framed = Buffer.alloc(12 + body.length);
  framed.writeUInt32BE(body.length, 0);
  framed.write(type, 4, "latin1");
  framed.set(body, 8);
  framed.writeUInt32BE(crc32(framed.subarray(4, 8 + body.length)), 8 + body.length);
  return framed;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** A grey PNG whose compressed data is this. */
function png(data: Uint8Array, { width = WIDTH, height = HEIGHT, depth = 8, colour = 0, interlace = 0 } = {}): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colour, 0, 0, interlace], 8);
  return Buffer.concat([SIGNATURE, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

const rows = (filter = 0) => {
  const raw = Buffer.alloc((WIDTH + 1) * HEIGHT);
  for (let at = 0; at < raw.length; at += WIDTH + 1) raw[at] = filter;
  return raw;
};

const encoders: Record<string, (image: Sharp) => Sharp> = {
  PNG: (image) => image.png(),
  "PNG, interlaced": (image) => image.png({ progressive: true }),
  "PNG with a palette": (image) => image.png({ palette: true, colours: 7 }),
  "PNG of one channel": (image) => image.greyscale().png(),
  "PNG with alpha": (image) => image.ensureAlpha(0.5).png(),
  "PNG of 16 bits": (image) => image.toColourspace("rgb16").png(),
  JPEG: (image) => image.jpeg(),
  "JPEG, progressive": (image) => image.jpeg({ progressive: true }),
  "JPEG of one channel": (image) => image.greyscale().jpeg(),
  WebP: (image) => image.webp(),
  "WebP, lossless": (image) => image.webp({ lossless: true }),
  "WebP with alpha": (image) => image.ensureAlpha(0.5).webp(),
};

for (const [name, encode] of Object.entries(encoders)) {
  const format = name.slice(0, 4).trim().replace(",", "").toLowerCase() as OutputFormat;
  test(`${name}: as it is, without what follows its end, and not when it is cut off`, async () => {
    const bytes = await encode(noise()).toBuffer();
    assert.equal(await check(bytes, format), bytes);
    const cut = await check(Buffer.concat([bytes, MARKUP]), format);
    assert.ok(bytes.equals(cut));
    await assert.rejects(check(bytes.subarray(0, bytes.length >> 1), format));
  });
}

test("every size of an interlaced PNG, down to one pixel", async () => {
  for (const [width, height] of [
    [1, 1],
    [1, 9],
    [3, 2],
    [8, 8],
    [9, 5],
    [300, 260],
  ] as const) {
    const image = sharp(randomBytes(width * height * 3), { raw: { width, height, channels: 3 } });
    const bytes = await image.png({ progressive: true }).toBuffer();
    assert.equal(await check(bytes, "png", width, height), bytes, `${width} × ${height}`);
  }
});

test("a PNG whose data is no zlib stream, is too long, too short, or has filters that do not exist", async () => {
  const right = deflateSync(rows());
  assert.ok(await check(png(right), "png"));
  const wrong: Record<string, Buffer> = {
    "no zlib": randomBytes(5000),
    nothing: Buffer.alloc(0),
    "cut off": right.subarray(0, -6),
    "wrong sum": Buffer.concat([right.subarray(0, -1), Buffer.from([(right.at(-1) ?? 0) ^ 1])]),
    "one byte more": deflateSync(Buffer.concat([rows(), Buffer.alloc(1)])),
    "one byte less": deflateSync(rows().subarray(1)),
    "filter 5": deflateSync(rows(5)),
    "filter 255": deflateSync(rows(255)),
  };
  for (const [name, data] of Object.entries(wrong)) await assert.rejects(check(png(data), "png"), name);
  const small = { width: 16, height: 16 };
  assert.ok(await check(png(deflateSync(Buffer.alloc(17 * 16)), small), "png", 16, 16));
  for (const size of [17 * 16 - 1, 17 * 16 + 1]) {
    await assert.rejects(check(png(deflateSync(Buffer.alloc(size)), small), "png", 16, 16), `${size} bytes`);
  }
});

test("a PNG that inflates to 300 MB for 256 × 256 pixels is refused when it has given more than these", async () => {
  const bomb = png(deflateSync(Buffer.alloc(300_000_000), { level: 9 }), { width: 256, height: 256 });
  assert.ok(bomb.length < 400_000);
  const before = process.memoryUsage().arrayBuffers;
  await assert.rejects(check(bomb, "png", 256, 256), /more data than pixels/);
  assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 2 ** 20);
});

test("a PNG with a header that means nothing, a wrong checksum, two headers, no palette or no end", async () => {
  const data = deflateSync(rows());
  for (const odd of [{ depth: 3 }, { colour: 1 }, { colour: 3 }, { interlace: 2 }]) {
    await assert.rejects(check(png(data, odd), "png"), JSON.stringify(odd));
  }
  const right = png(data);
  const flipped = Buffer.from(right);
  flipped[60] = (flipped[60] ?? 0) ^ 1;
  await assert.rejects(check(flipped, "png"), /checksum/);
  await assert.rejects(check(right.subarray(0, -12), "png"), /no end/);
  const header = right.subarray(8, 33);
  await assert.rejects(check(Buffer.concat([SIGNATURE, header, right.subarray(8)]), "png"), /one header/);
});

test("a PNG whose chunks no decoder would take: data in two places, a critical chunk of no known kind, a palette too late or cut", async () => {
  const data = deflateSync(rows());
  const end = chunk("IEND", Buffer.alloc(0));
  const grey = png(data).subarray(0, 33);
  const coloured = png(data, { colour: 3 }).subarray(0, 33);
  const [first, second] = [chunk("IDAT", data.subarray(0, 9)), chunk("IDAT", data.subarray(9))];
  const text = chunk("tEXt", Buffer.from("a\0b"));
  const palette = chunk("PLTE", Buffer.alloc(3));
  const whole = chunk("IDAT", data);
  const right = [
    [grey, text, first, second, text, end],
    [coloured, palette, whole, end],
  ];
  for (const parts of right) assert.ok(await check(Buffer.concat(parts), "png"));
  const wrong: Record<string, Buffer[]> = {
    "text in the data": [grey, first, text, second, end],
    "critical chunk": [grey, chunk("ABCD", Buffer.alloc(1)), whole, end],
    "palette after the data": [coloured, whole, palette, end],
    "two palettes": [coloured, palette, palette, whole, end],
    "palette of two bytes": [coloured, chunk("PLTE", Buffer.alloc(2)), whole, end],
    "palette of 257 colours": [coloured, chunk("PLTE", Buffer.alloc(257 * 3)), whole, end],
  };
  for (const [name, parts] of Object.entries(wrong)) await assert.rejects(check(Buffer.concat(parts), "png"), name);
});

test("no change of a few bytes hangs the check, and what passes is no longer than it was", async () => {
  const originals = await Promise.all(
    (["png", "jpeg", "webp"] as const).map(async (format) => {
      return { format, bytes: await noise().resize(40, 30).toFormat(format).toBuffer() };
    }),
  );
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...originals), flips, async ({ format, bytes }, places) => {
      const changed = Buffer.from(bytes);
      for (const [at, value] of places) changed[at % changed.length] = value;
      const passed = await check(changed, format, 40, 30).catch(() => undefined);
      assert.ok(passed === undefined || passed.length <= changed.length);
    }),
    { numRuns: 300 },
  );
});

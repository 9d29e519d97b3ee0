import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { encodeImage } from "../src/image/encode.ts";
import { addPngText } from "../src/image/png-text.ts";
import { provenanceXmp } from "../src/image/provenance.ts";

const pixels = { data: new Uint8Array(12 * 8 * 3).fill(90), width: 12, height: 8 };
const encoding = { format: "png", compression: 100, size: pixels } as const;

function chunksOf(png: Uint8Array): { type: string; data: Buffer }[] {
  const bytes = Buffer.from(png);
  const chunks = [];
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const typed = bytes.subarray(at + 4, at + 8 + length);
    assert.equal(bytes.readUInt32BE(at + 8 + length), crc32(typed), "the chunk's CRC");
    chunks.push({ type: typed.toString("latin1", 0, 4), data: typed.subarray(4) });
    at += 12 + length;
  }
  return chunks;
}

test("text stands in a tEXt chunk after the header and the picture stays readable", async () => {
  const png = await encodeImage(pixels, { ...encoding, parameters: "Steps: 4, Größe: 1" });
  const chunks = chunksOf(png);
  assert.deepEqual([chunks[0]?.type, chunks[1]?.type, chunks.at(-1)?.type], ["IHDR", "tEXt", "IEND"]);
  assert.equal(chunks[1]?.data.toString("latin1"), "parameters\0Steps: 4, Größe: 1");
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height], [12, 8]);
  assert.ok(data.every((value) => value === 90));
});

test("text beyond Latin-1 goes into an iTXt chunk as UTF-8", async () => {
  const chunks = chunksOf(await encodeImage(pixels, { ...encoding, parameters: "ein ○\0 und 円" }));
  assert.equal(chunks[1]?.type, "iTXt");
  assert.equal(chunks[1]?.data.toString("utf8"), "parameters\0\0\0\0\0ein ○ und 円");
});

test("only a PNG gets text", async () => {
  const jpeg = await encodeImage(pixels, { ...encoding, format: "jpeg" });
  assert.throws(() => addPngText(jpeg, "parameters", "x"), RangeError);
  assert.throws(() => addPngText(new Uint8Array(3), "parameters", "x"), RangeError);
});

test("a picture of another shape is cut evenly, not squeezed", async () => {
  // Left half black, right half white, 40 × 20; a square of it has the border in the middle.
  const data = new Uint8Array(40 * 20 * 3).map((_, i) => (Math.floor(i / 3) % 40 < 20 ? 0 : 255));
  const png = await encodeImage({ data, width: 40, height: 20 }, { ...encoding, size: { width: 20, height: 20 } });
  const row = await sharp(png).raw().toBuffer();
  assert.equal(row.length, 20 * 20 * 3);
  assert.deepEqual([row[0], row[8 * 3], row[11 * 3], row[19 * 3]], [0, 0, 255, 255]);
});

test("every format says in XMP that a model made the picture, in IPTC's terms, and keeps its pixels", async () => {
  const xmp = provenanceXmp("trainedAlgorithmicMedia");
  for (const format of ["png", "jpeg", "webp"] as const) {
    const bytes = await encodeImage(pixels, { ...encoding, format, xmp });
    const { xmpAsString, width, orientation } = await sharp(bytes).metadata();
    assert.match(
      xmpAsString ?? "",
      /DigitalSourceType="http:\/\/cv.iptc.org\/newscodes\/digitalsourcetype\/trainedAlgorithmicMedia"/,
    );
    assert.deepEqual([width, orientation], [12, undefined], format);
    const plain = await encodeImage(pixels, { ...encoding, format });
    assert.equal((await sharp(plain).metadata()).xmp, undefined, "none where none is given");
    assert.deepEqual(await sharp(bytes).raw().toBuffer(), await sharp(plain).raw().toBuffer(), format);
  }
});

import type { GeneratedImage } from "@atoma/contract";
import { jpegEnd } from "./jpeg-end.ts";
import { checkPng } from "./png.ts";

/** Of the picture that is made of a decoded one, which is thrown away. */
const SIDE = 8;

/** Decodes a JPEG or WebP once, on libvips' threads. Throws when it does not decode, or has more pixels than its header says. */
async function decode(bytes: Uint8Array, pixels: number): Promise<void> {
  const { default: sharp } = await import("sharp"); // not loaded where only PNGs are made
  await sharp(bytes, { limitInputPixels: pixels, failOn: "warning", sequentialRead: true })
    .resize(SIDE, SIDE, { fit: "fill", kernel: "nearest", fastShrinkOnLoad: false })
    .raw()
    .toBuffer();
}

/** RIFF's length counts what follows it. */
const webpEnd = (webp: Buffer) => 8 + webp.readUInt32LE(4);

/**
 * Decodes a picture once, within the bound that its header gives, away from the event loop. Gives its bytes without what follows
 * its end: a client that looks for markup there finds none. Throws when it does not decode.
 */
export async function checkPicture({ bytes, format, width, height }: GeneratedImage): Promise<Uint8Array> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end: number | undefined;
  if (format === "png") end = await checkPng(buffer);
  else {
    await decode(bytes, width * height);
    end = format === "jpeg" ? jpegEnd(buffer) : webpEnd(buffer);
  }
  if (end === undefined || end > bytes.length) throw new Error(`${format}: no end`);
  return end === bytes.length ? bytes : bytes.subarray(0, end);
}

import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import sharp from "sharp";

/** A PNG of 64×64 pixels that takes about `bytes` bytes, most of them in a chunk that no decoder looks at. */
export async function pictureOf(bytes: number): Promise<Buffer> {
  const png = await sharp({ create: { width: 64, height: 64, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  const end = png.length - 12; // IEND
  const data = Buffer.concat([Buffer.from("zzZz"), randomBytes(Math.max(0, bytes - png.length - 12))]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length - 4);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(data));
  return Buffer.concat([png.subarray(0, end), length, data, crc, png.subarray(end)]);
}

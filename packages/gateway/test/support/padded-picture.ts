import { crc32 } from "node:zlib";
import { create } from "./edits.ts";

const smallest = await create(64, 64).png().toBuffer();
/** Length, type and CRC of a chunk. */
const FRAME_BYTES = 12;
const IEND_BYTES = 12;

/** A real PNG of 64 × 64 pixels and about this many bytes: most of it is a private chunk that decoders pass over. */
export function paddedPicture(bytes: number): Buffer {
  const missing = bytes - smallest.length - FRAME_BYTES;
  if (missing < 0) return smallest;
  const chunk = Buffer.alloc(FRAME_BYTES + missing, 7);
  chunk.writeUInt32BE(missing, 0);
  chunk.write("atMa", 4, "latin1");
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + missing)), 8 + missing);
  const end = smallest.length - IEND_BYTES;
  return Buffer.concat([smallest.subarray(0, end), chunk, smallest.subarray(end)]);
}

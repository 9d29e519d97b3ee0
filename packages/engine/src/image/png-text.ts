import { crc32 } from "node:zlib";

const SIGNATURE_BYTES = 8;
const IHDR_BYTES = 25;

/** One PNG chunk: length, type, data, CRC of type and data (W3C PNG, section 5.3). */
function chunk(type: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, "latin1");
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
  return bytes;
}

/** tEXt holds Latin-1 (section 11.3.3.2); anything else needs iTXt, here uncompressed and without a language. */
function textChunk(keyword: string, text: string): Buffer {
  // NUL separates a chunk's fields and may not be in one.
  const clean = text.replaceAll("\0", "");
  const latin1 = Buffer.from(clean, "latin1");
  if (latin1.toString("latin1") === clean)
    return chunk("tEXt", Buffer.concat([Buffer.from(`${keyword}\0`, "latin1"), latin1]));
  return chunk("iTXt", Buffer.from(`${keyword}\0\0\0\0\0${clean}`, "utf8"));
}

/** Adds a text chunk after the header chunk of a PNG. `keyword`: 1 to 79 Latin-1 characters. Throws RangeError on no PNG. */
export function addPngText(png: Uint8Array, keyword: string, text: string): Buffer {
  const header = SIGNATURE_BYTES + IHDR_BYTES;
  const type = Buffer.from(png.subarray(SIGNATURE_BYTES + 4, SIGNATURE_BYTES + 8)).toString("latin1");
  if (png.length < header || type !== "IHDR") throw new RangeError("not a PNG");
  return Buffer.concat([png.subarray(0, header), textChunk(keyword, text), png.subarray(header)]);
}

import { type ImageHeader, readImageHeader } from "./image-header.ts";

const IHDR = 0x49484452;
const TRNS = 0x74524e53;
const IEND = 0x49454e44;
/** Bit of a PNG's colour type that says that each pixel has an alpha value. */
const ALPHA = 4;
/** Far more chunks than encoders write. */
const MAX_CHUNKS = 100_000;
const END_OF_IMAGE = Buffer.from([0xff, 0xd9]);
const START_OF_SCAN = 0xda;
/** Any number of these may stand before a marker of a JPEG. */
const FILL = 0xff;

/** Whether a PNG can be transparent; undefined unless its chunks lead from IHDR, one by one, to IEND. */
function readWholePng(view: DataView): { alpha: boolean } | undefined {
  if (view.byteLength < 33 || view.getUint32(8) !== 13 || view.getUint32(12) !== IHDR) return undefined;
  let alpha = (view.getUint8(25) & ALPHA) !== 0;
  let at = 8;
  for (let chunk = 0; chunk < MAX_CHUNKS && at + 12 <= view.byteLength; chunk++) {
    const next = at + 12 + view.getUint32(at);
    const type = view.getUint32(at + 4);
    if (type === TRNS) alpha = true;
    if (type === IEND) return next <= view.byteLength ? { alpha } : undefined;
    at = next;
  }
  return undefined;
}

/** Whether the picture's end comes after its first scan; a preview among the headers has an end of its own. */
function isWholeJpeg(bytes: Buffer): boolean {
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    if (bytes[at + 1] === FILL) {
      at++;
      continue;
    }
    if (bytes[at + 1] === START_OF_SCAN) return bytes.indexOf(END_OF_IMAGE, at) !== -1;
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return false;
}

/** Format and size of an encoded picture that is there to its end, and whether a PNG can be transparent; nothing is decoded. Undefined for anything else. */
export function readWholeImage(bytes: Uint8Array): ImageHeader | undefined {
  const header = readImageHeader(bytes);
  if (!header) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (header.format) {
    case "png": {
      const png = readWholePng(view);
      return png && { ...header, ...png };
    }
    case "jpeg":
      return isWholeJpeg(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) ? header : undefined;
    case "webp":
      return view.getUint32(4, true) + 8 <= bytes.length ? header : undefined;
  }
}

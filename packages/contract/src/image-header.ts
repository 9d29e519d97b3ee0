import type { OutputFormat } from "./fields.ts";
import { type Orientation, readOrientation, swapsSides } from "./orientation.ts";
import type { Size } from "./sizes.ts";

/** What an encoded picture says of itself. Width and height are those that people see: after its orientation. */
export interface ImageHeader extends Size {
  readonly format: OutputFormat;
  /** How the stored pixels are turned to be seen. */
  readonly orientation: Orientation;
  /** Whether it can be transparent; absent where that was not looked for. */
  readonly alpha?: boolean;
}

/** A picture as it is stored, and its EXIF data where it has some. */
interface Stored extends Size {
  readonly format: OutputFormat;
  readonly exif: DataView | undefined;
}

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Far more chunks or segments than encoders write. */
const MAX_PARTS = 100_000;
const EXIF_PREFIX = "Exif\0\0";

/** Format, size and orientation of an encoded picture; nothing is decoded. Undefined for anything else. */
export function readImageHeader(bytes: Uint8Array): ImageHeader | undefined {
  const stored = readStored(bytes);
  if (!stored) return undefined;
  const { format, width, height, exif } = stored;
  const orientation = exif ? readOrientation(exif) : 1;
  return swapsSides(orientation)
    ? { format, width: height, height: width, orientation }
    : { format, width, height, orientation };
}

function readStored(bytes: Uint8Array): Stored | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 24 && PNG.every((byte, i) => bytes[i] === byte)) return readPng(view);
  if (bytes.length >= 4 && bytes[0] === 0xff && bytes[1] === 0xd8) return readJpeg(view);
  if (bytes.length >= 30 && ascii(view, 0, 4) === "RIFF" && ascii(view, 8, 4) === "WEBP") return readWebp(view);
  return undefined;
}

function ascii(view: DataView, offset: number, length: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, Math.min(length, view.byteLength - offset));
  return String.fromCharCode(...bytes);
}

/** A stretch of `view`, as far as it is there. */
function part(view: DataView, offset: number, length: number): DataView {
  return new DataView(view.buffer, view.byteOffset + offset, Math.min(length, view.byteLength - offset));
}

/** EXIF data that may begin with JPEG's name for it. */
function withoutPrefix(exif: DataView): DataView {
  const { length } = EXIF_PREFIX;
  return ascii(exif, 0, length) === EXIF_PREFIX ? part(exif, length, exif.byteLength - length) : exif;
}

/** W3C PNG, 11.3.4.9: the chunk eXIf stands anywhere before IEND. */
function readPng(view: DataView): Stored {
  const size = { width: view.getUint32(16), height: view.getUint32(20) };
  let at = PNG.length;
  for (let chunk = 0; chunk < MAX_PARTS && at + 12 <= view.byteLength; chunk++) {
    const length = view.getUint32(at);
    const type = ascii(view, at + 4, 4);
    if (type === "eXIf") return { format: "png", ...size, exif: part(view, at + 8, length) };
    if (type === "IEND") break;
    at += 12 + length;
  }
  return { format: "png", ...size, exif: undefined };
}

/** Walks the segments up to the first scan: a frame header (SOF0 to SOF15, without DHT, JPG and DAC), and EXIF in APP1. */
function readJpeg(view: DataView): Stored | undefined {
  let size: Size | undefined;
  let exif: DataView | undefined;
  let at = 2;
  for (let segment = 0; segment < MAX_PARTS && at + 4 <= view.byteLength && view.getUint8(at) === 0xff; segment++) {
    const marker = view.getUint8(at + 1);
    // Any number of these may stand before a marker (ITU-T T.81, B.1.1.2).
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === 0xda) break;
    const length = view.getUint16(at + 2);
    if (length < 2) return undefined;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame && !size) {
      if (at + 9 > view.byteLength) return undefined;
      size = { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    }
    if (marker === 0xe1 && !exif && ascii(view, at + 4, EXIF_PREFIX.length) === EXIF_PREFIX) {
      exif = withoutPrefix(part(view, at + 4, length - 2));
    }
    at += 2 + length;
  }
  return size && { format: "jpeg", ...size, exif };
}

/** https://developers.google.com/speed/webp/docs/riff_container: lossy, lossless and extended headers. */
function readWebp(view: DataView): Stored | undefined {
  const lossyOrLossless = (width: number, height: number): Stored => ({
    format: "webp",
    width,
    height,
    exif: undefined,
  });
  switch (ascii(view, 12, 4)) {
    case "VP8 ":
      return lossyOrLossless(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
    case "VP8L": {
      const bits = view.getUint32(21, true);
      return lossyOrLossless((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1);
    }
    case "VP8X": {
      const uint24 = (at: number) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
      const hasExif = (view.getUint8(20) & 8) !== 0;
      return {
        format: "webp",
        width: uint24(24) + 1,
        height: uint24(27) + 1,
        exif: hasExif ? findWebpExif(view) : undefined,
      };
    }
    default:
      return undefined;
  }
}

/** The chunk EXIF of an extended WebP. */
function findWebpExif(view: DataView): DataView | undefined {
  let at = 12;
  for (let chunk = 0; chunk < MAX_PARTS && at + 8 <= view.byteLength; chunk++) {
    const length = view.getUint32(at + 4, true);
    if (ascii(view, at, 4) === "EXIF") return withoutPrefix(part(view, at + 8, length));
    at += 8 + length + (length % 2);
  }
  return undefined;
}

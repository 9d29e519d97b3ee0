import { errors } from "./errors.ts";
import { MEDIA_TYPES, type OutputFormat } from "./fields.ts";
import type { ImageHeader } from "./image-header.ts";
import type { Orientation } from "./orientation.ts";
import { formatSize, type Size } from "./sizes.ts";

/** A picture that a client sent: still encoded, and judged by its header alone. Its sides are those that people see. */
export interface InputImage extends Size {
  readonly bytes: Uint8Array;
  readonly format: OutputFormat;
  /** How its stored pixels are turned to be seen; whoever decodes them has to do that. */
  readonly orientation: Orientation;
  /** Whether it can be transparent; undefined where its header does not tell. */
  readonly alpha: boolean | undefined;
}

/** What a whole encoded picture says of itself; undefined for what is none, or is cut off. */
export type ReadHeader = (bytes: Uint8Array) => ImageHeader | undefined;

/** A file as it was sent, with the name that errors call it by. */
export interface InputFile {
  readonly param: string;
  readonly bytes: Uint8Array;
  /** The media type that the sender gave it. */
  readonly mediaType: string | undefined;
}

export const MAX_INPUT_IMAGES = 16;
/** Bounds of one file, in bytes: it must be smaller. From OpenAI's specification of `/images/edits`. */
const IMAGE_FILE_LIMIT = 50_000_000;
const MASK_FILE_LIMIT = 4_000_000;
/** 4096 × 4096. A small file can declare any size, and whoever decodes it has to allocate that. */
const MAX_PIXELS = 16_777_216;

/** Media types that say nothing against a picture; the bytes decide. */
const ACCEPTED_TYPES = new Set([...Object.values(MEDIA_TYPES), "image/jpg", "application/octet-stream"]);

function judge(file: InputFile, which: string, limit: number, readHeader: ReadHeader): InputImage {
  const { param, bytes, mediaType } = file;
  if (mediaType !== undefined && !ACCEPTED_TYPES.has(mediaType)) {
    throw errors.unsupportedMimeType(param, mediaType, ["image/jpeg", "image/png", "image/webp"]);
  }
  if (bytes.length === 0) throw errors.emptyImageFile(param);
  if (bytes.length >= limit) throw errors.imageFileTooLarge(param, limit);
  const header = readHeader(bytes);
  if (!header || header.width === 0 || header.height === 0) throw errors.invalidImageFile(param, which);
  const { format, width, height, orientation, alpha } = header;
  if (width * height > MAX_PIXELS) throw errors.imageTooLarge(param, formatSize(header), MAX_PIXELS);
  return Object.freeze({ bytes, format, width, height, orientation, alpha });
}

/** Judges picture number `position` (from 1). Throws ApiError 400 unless it is a PNG, JPEG or WebP within the limits. */
export function judgeImage(file: InputFile, position: number, readHeader: ReadHeader): InputImage {
  return judge(file, `image ${position}`, IMAGE_FILE_LIMIT, readHeader);
}

/** Judges a mask. Throws ApiError 400 unless it is a PNG within the limits and of the size of the picture. */
export function judgeMask(file: InputFile, image: Size, readHeader: ReadHeader): InputImage {
  const mask = judge(file, "the mask", MASK_FILE_LIMIT, readHeader);
  if (mask.format !== "png") {
    throw errors.unsupportedMimeType(file.param, MEDIA_TYPES[mask.format], ["image/png"]);
  }
  if (mask.width !== image.width || mask.height !== image.height) {
    throw errors.conflict(
      file.param,
      `The mask is ${formatSize(mask)}, but the image is ${formatSize(image)}. Both must have the same size.`,
    );
  }
  return mask;
}

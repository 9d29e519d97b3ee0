import { type Orientation, readImageHeader, type Size } from "@atoma/contract";
import sharp, { type Sharp } from "sharp";
import type { Pixels } from "./pixels.ts";
import { upright } from "./upright.ts";

/** A picture that cannot be decoded, or must not be. */
export class InputImageError extends Error {
  override readonly name = "InputImageError";
  /** The field that it was given in. */
  readonly param: "image" | "mask";

  constructor(param: "image" | "mask", cause: unknown) {
    super(`the ${param} cannot be decoded`, { cause });
    this.param = param;
  }
}

/** How much of a picture is to be painted anew, 0 to 255 for each pixel, rows from the top. */
export interface PaintMap extends Size {
  readonly data: Uint8Array;
}

/** As the contract has it: 4096 × 4096. */
const MAX_PIXELS = 16_777_216;
const FORMATS = ["png", "jpeg", "webp"];
const WHITE = { r: 255, g: 255, b: 255 };

/** Leaves libvips no loader but those of the formats that the contract takes: each is a way in for hostile bytes. */
export function limitLoaders(): void {
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({
    operation: ["VipsForeignLoadPngBuffer", "VipsForeignLoadJpegBuffer", "VipsForeignLoadWebpBuffer"],
  });
}

/** Opens a still picture within the limits; of its pixels nothing is decoded yet. */
async function open(bytes: Uint8Array, formats: readonly string[]): Promise<Sharp> {
  const image = sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: "error", pages: 1 });
  const { format, width, height, pages = 1 } = await image.metadata();
  if (!formats.includes(format)) throw new Error(`${format} is not taken here`);
  if (width * height > MAX_PIXELS) throw new Error(`${width}x${height} is too large`);
  if (pages > 1) throw new Error("animated pictures are not taken");
  return image;
}

async function decoding<T>(param: "image" | "mask", work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new InputImageError(param, error);
  }
}

/** As the gateway reads it, so that both mean the same sides by the same bytes. */
const orientationOf = (bytes: Uint8Array): Orientation => readImageHeader(bytes)?.orientation ?? 1;

const cover = (image: Sharp, { width, height }: Size) =>
  image.resize({ width, height, fit: "cover", position: "centre", kernel: "lanczos3" });

/**
 * A PNG, JPEG or WebP in sRGB at `size`, turned as its EXIF orientation says, then cut evenly where the aspect ratio differs;
 * what is transparent lies on white. Throws InputImageError.
 */
export function decodeImage(bytes: Uint8Array, size: Size): Promise<Pixels> {
  return decoding("image", async () => {
    const image = await open(bytes, FORMATS);
    const colours = image.flatten({ background: WHITE }).toColourspace("srgb").removeAlpha();
    const { data, info } = await cover(await upright(colours, orientationOf(bytes)), size)
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`${info.channels} channels`);
    return { data: new Uint8Array(data), width: info.width, height: info.height };
  });
}

/** What a mask's transparency asks for, at `size`, turned and cut as its picture is. Throws InputImageError. */
export function decodeMask(bytes: Uint8Array, size: Size): Promise<PaintMap> {
  return decoding("mask", async () => {
    const image = await open(bytes, ["png"]);
    const alpha = image.ensureAlpha().extractChannel("alpha").toColourspace("b-w");
    const { data, info } = await cover(await upright(alpha, orientationOf(bytes)), size)
      .toColourspace("b-w")
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 1) throw new Error(`${info.channels} channels`);
    return { data: data.map((alpha) => 255 - alpha), width: info.width, height: info.height };
  });
}

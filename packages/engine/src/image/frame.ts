import type { Size } from "@atoma/contract";
import sharp from "sharp";
import type { Pixels } from "./pixels.ts";

interface Raster extends Size {
  readonly data: Uint8Array;
}

/** Resamples a picture (lanczos3), cut evenly where the aspect ratio differs. */
export async function resample(pixels: Pixels, size: Size): Promise<Pixels> {
  const { data, width, height } = pixels;
  if (width === size.width && height === size.height) return pixels;
  const resized = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize({ ...size, fit: "cover", position: "centre", kernel: "lanczos3" })
    .raw()
    .toBuffer();
  return { data: new Uint8Array(resized), ...size };
}

/**
 * The inverse of drawing at `frame` and cutting to the picture's ratio: the picture (or map) in the middle of the frame,
 * as large as fits, its border drawn out to the frame's edges.
 */
export async function intoFrame({ data, width, height }: Raster, channels: 1 | 3, frame: Size): Promise<Uint8Array> {
  if (width === frame.width && height === frame.height) return data;
  const scale = Math.min(frame.width / width, frame.height / height);
  const inner = { width: Math.round(width * scale), height: Math.round(height * scale) };
  const left = Math.floor((frame.width - inner.width) / 2);
  const top = Math.floor((frame.height - inner.height) / 2);
  const framed = sharp(data, { raw: { width, height, channels } })
    .resize({ ...inner, fit: "fill", kernel: "lanczos3" })
    .extend({
      left,
      top,
      right: frame.width - inner.width - left,
      bottom: frame.height - inner.height - top,
      extendWith: "copy",
    });
  return (channels === 1 ? framed.toColourspace("b-w") : framed).raw().toBuffer();
}

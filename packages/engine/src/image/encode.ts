import type { OutputFormat, Size } from "@atoma/contract";
import sharp from "sharp";
import { limitLoaders } from "./decode.ts";
import { resample } from "./frame.ts";
import type { Pixels } from "./pixels.ts";
import { addPngText } from "./png-text.ts";

export interface Encoding {
  readonly format: OutputFormat;
  /** 0 to 100: the quality of jpeg and webp. */
  readonly compression: number;
  /** The picture is resampled to this size: lanczos3, cut evenly where the aspect ratio differs. */
  readonly size: Size;
  /** Generation parameters for a PNG's `parameters` chunk. */
  readonly parameters?: string | undefined;
  /** An XMP packet for any format. */
  readonly xmp?: string | undefined;
}

/** Bounds what libvips uses: `threads` per picture, no cache, as no picture is ever seen twice, and few loaders. */
export function limitCodec(threads: number): void {
  sharp.concurrency(threads);
  sharp.cache(false);
  limitLoaders();
}

/** Encodes a picture. The same pixels and options give the same bytes. */
export async function encodeImage(
  pixels: Pixels,
  { format, compression, size, parameters, xmp }: Encoding,
): Promise<Uint8Array> {
  const { data, width, height } = await resample(pixels, size);
  const plain = sharp(data, { raw: { width, height, channels: 3 } });
  const image = xmp === undefined ? plain : plain.withXmp(xmp);
  // libvips counts qualities from 1.
  const quality = Math.max(1, compression);
  switch (format) {
    case "png": {
      const png = await image.png({ compressionLevel: 6, adaptiveFiltering: false }).toBuffer();
      return parameters === undefined ? png : addPngText(png, "parameters", parameters);
    }
    case "jpeg":
      return image.jpeg({ quality, chromaSubsampling: quality >= 90 ? "4:4:4" : "4:2:0" }).toBuffer();
    case "webp":
      return image.webp({ quality }).toBuffer();
  }
}

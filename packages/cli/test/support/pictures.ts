import sharp, { type Sharp } from "sharp";

export type Colour = readonly [red: number, green: number, blue: number];
export const WHITE: Colour = [255, 255, 255];
export const RED: Colour = [214, 40, 40];
export const YELLOW: Colour = [255, 215, 0];
export const GREEN: Colour = [29, 154, 58];

const css = (colour: Colour) => `rgb(${colour.join(",")})`;

function drawing(width: number, height: number, shapes: string): Sharp {
  return sharp(
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes}</svg>`),
  );
}

/** A disc in the middle of a ground. */
export function disc(colour: Colour, ground: Colour, width = 256, height = width): Sharp {
  const around = `<rect width="100%" height="100%" fill="${css(ground)}"/>`;
  return drawing(width, height, `${around}<circle cx="50%" cy="50%" r="27%" fill="${css(colour)}"/>`).removeAlpha();
}

/** A mask that is transparent, to be painted, in a rectangle, and opaque elsewhere. */
export function maskOf(left: number, top: number, right: number, bottom: number, width = 256, height = width): Sharp {
  const opaque = (x: number, y: number, w: number, h: number) => `<rect x="${x}" y="${y}" width="${w}" height="${h}"/>`;
  return drawing(
    width,
    height,
    opaque(0, 0, width, top) +
      opaque(0, bottom, width, height - bottom) +
      opaque(0, top, left, bottom - top) +
      opaque(right, top, width - right, bottom - top),
  );
}

export interface Raster {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

export async function rasterOf(bytes: Uint8Array): Promise<Raster> {
  const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

export function pixelAt({ data, width }: Raster, x: number, y: number): Colour {
  const at = 3 * (y * width + x);
  return [data[at] ?? -1, data[at + 1] ?? -1, data[at + 2] ?? -1];
}

/** Largest difference of a channel. */
export function distance(a: Colour, b: Colour): number {
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? 0))));
}

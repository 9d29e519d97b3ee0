import sharp from "sharp";
import type { PaintMap } from "./decode.ts";
import type { Pixels } from "./pixels.ts";

/** The soft edge's width by the picture's shorter side. */
const EDGE_SHARE = 1 / 256;

/**
 * Softens a map's edges inwards: what is not to be painted at all stays so, and what is painted fades in from there over a
 * few pixels.
 */
export async function softened({ data, width, height }: PaintMap): Promise<PaintMap> {
  const sigma = Math.max(1, Math.min(width, height) * EDGE_SHARE);
  const blurred = await sharp(data, { raw: { width, height, channels: 1 } })
    .blur(sigma)
    .toColourspace("b-w")
    .raw()
    .toBuffer();
  return { data: data.map((paint, i) => Math.min(paint, Math.max(0, 2 * (blurred[i] ?? 0) - 255))), width, height };
}

/** The painted picture where the map is 255, the original where it is 0, a blend between. All of one size. */
export function compose(original: Pixels, painted: Pixels, map: PaintMap): Pixels {
  const data = new Uint8Array(original.data);
  for (let i = 0; i < map.data.length; i++) {
    const share = (map.data[i] ?? 0) / 255;
    if (share === 0) continue;
    for (let at = 3 * i; at < 3 * i + 3; at++) {
      const from = data[at] ?? 0;
      data[at] = Math.round(from + share * ((painted.data[at] ?? 0) - from));
    }
  }
  return { data, width: original.width, height: original.height };
}

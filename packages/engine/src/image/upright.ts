import type { Orientation } from "@atoma/contract";
import sharp, { type Sharp } from "sharp";

/** What brings stored pixels of each orientation upright. */
const TURNS: Readonly<Record<Orientation, (image: Sharp) => Sharp>> = {
  1: (image) => image,
  2: (image) => image.flop(),
  3: (image) => image.rotate(180),
  4: (image) => image.flip(),
  5: (image) => image.rotate(90).flip(),
  6: (image) => image.rotate(90),
  7: (image) => image.rotate(90).flop(),
  8: (image) => image.rotate(270),
};

/**
 * A picture as people see it, to be cut and resized. sharp turns some orientations after it has cut, where an uneven border
 * lands on the other side; so the whole picture is turned first, and a mask meets the same pixels as its picture.
 */
export async function upright(image: Sharp, orientation: Orientation): Promise<Sharp> {
  if (orientation === 1) return image;
  const { data, info } = await TURNS[orientation](image).raw().toBuffer({ resolveWithObject: true });
  return sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
}

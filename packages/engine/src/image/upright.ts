import { type Orientation, turnOf } from "@atoma/contract";
import sharp, { type Sharp } from "sharp";

/**
 * A picture as people see it, to be cut and resized. sharp turns some orientations after it has cut, where an uneven border
 * lands on the other side; so the whole picture is turned first, and a mask meets the same pixels as its picture.
 */
export async function upright(image: Sharp, orientation: Orientation): Promise<Sharp> {
  if (orientation === 1) return image;
  const { mirror, degrees } = turnOf(orientation);
  // sharp mirrors first, then turns, in whatever order it is told.
  const { data, info } = await image
    .flip(mirror === "flip")
    .flop(mirror === "flop")
    .rotate(degrees)
    .raw()
    .toBuffer({ resolveWithObject: true });
  return sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
}

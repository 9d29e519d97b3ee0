import type { Size } from "@atoma/contract";

/** The one size of picture, in pixels, that a network is good at; sides are multiples of `multiple`. */
export interface Native {
  readonly pixels: number;
  readonly multiple: number;
  /** Longer by shorter side, at the most. */
  readonly maxAspectRatio: number;
}

/** A rendered picture has at least this share of the native area, and at most its inverse. */
const AREA_TOLERANCE = 0.8;

/**
 * The size to render at for a requested size: of those with sides that are multiples of `multiple` and an area within
 * 0.8 to 1.25 of the native one, the nearest in aspect ratio (as a quotient), then in area. Without `native` the
 * requested size.
 */
export function renderSize(requested: Size, native: Native | undefined): Size {
  if (native === undefined) return requested;
  const { pixels, multiple, maxAspectRatio } = native;
  const target = Math.log(requested.width / requested.height);
  const longest = Math.sqrt((pixels / AREA_TOLERANCE) * maxAspectRatio);
  let best: { size: Size; ratioError: number; areaError: number } | undefined;
  for (let width = multiple; width <= longest; width += multiple) {
    for (let height = multiple; height <= longest; height += multiple) {
      const area = (width * height) / pixels;
      if (area < AREA_TOLERANCE || area > 1 / AREA_TOLERANCE) continue;
      if (Math.max(width, height) > maxAspectRatio * Math.min(width, height)) continue;
      const ratioError = Math.abs(Math.log(width / height) - target);
      const areaError = Math.abs(Math.log(area));
      const nearer =
        best === undefined ||
        ratioError < best.ratioError - 1e-9 ||
        (ratioError < best.ratioError + 1e-9 && areaError < best.areaError);
      if (nearer) best = { size: { width, height }, ratioError, areaError };
    }
  }
  if (best === undefined) throw new RangeError(`no size of about ${pixels} pixels in multiples of ${multiple}`);
  return best.size;
}

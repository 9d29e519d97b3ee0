import type { PlanOptions } from "./scheduler.ts";
import { decimal, flag, type Settings, whole } from "./settings.ts";

/** The keys of dynamic shifting: more noise for larger pictures. */
export const IMAGE_SHIFT = {
  use_dynamic_shifting: flag(false),
  base_shift: decimal(0.5),
  max_shift: decimal(1.15),
  base_image_seq_len: whole(256),
  max_image_seq_len: whole(4096),
};

/** mu of a picture: on the line through (base length, base shift) and (longest length, highest shift), as in FLUX. */
export function shiftOf(settings: Settings<typeof IMAGE_SHIFT>, { mu, imageTokens }: PlanOptions): number {
  if (mu !== undefined) return mu;
  if (imageTokens === undefined) throw new RangeError("dynamic shifting needs the number of image tokens");
  const { base_shift: low, max_shift: high, base_image_seq_len: short, max_image_seq_len: long } = settings;
  const slope = (high - low) / (long - short);
  return imageTokens * slope + (low - slope * short);
}

import type { ApiError } from "./api-error.ts";
import { errors } from "./errors.ts";

/** Width and height of a picture in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * What a model can make. `fixed`: only the listed sizes. `range`: any size whose sides are multiples of `multiple`,
 * whose longest edge, area and aspect ratio (longer by shorter side) stay within the limits.
 */
export type SizeRule =
  | { readonly kind: "fixed"; readonly values: readonly string[] }
  | {
      readonly kind: "range";
      readonly multiple: number;
      readonly maxEdge: number;
      readonly minPixels: number;
      readonly maxPixels: number;
      readonly maxAspectRatio: number;
    };

const SIZE = /^([1-9][0-9]{0,4})x([1-9][0-9]{0,4})$/;

/** Parses `WIDTHxHEIGHT`: ASCII digits, no sign, no leading zero, a lower-case x, nothing around it. */
export function parseSize(text: string): Size | undefined {
  const match = SIZE.exec(text);
  return match ? { width: Number(match[1]), height: Number(match[2]) } : undefined;
}

export function formatSize({ width, height }: Size): string {
  return `${width}x${height}`;
}

/** The error for a size the rule does not allow, in OpenAI's wording; undefined when it is allowed. */
export function sizeViolation(text: string, rule: SizeRule): ApiError | undefined {
  if (rule.kind === "fixed") {
    return rule.values.includes(text) ? undefined : errors.invalidValue("size", text, [...rule.values, "auto"]);
  }
  const size = parseSize(text);
  const invalid = (reason: string) => errors.invalidSize(text, reason);
  if (!size) return invalid("Expected WIDTHxHEIGHT, for example '1824x1024'.");
  const { width, height } = size;
  if (width % rule.multiple !== 0 || height % rule.multiple !== 0) {
    return invalid(`Width and height must both be divisible by ${rule.multiple}.`);
  }
  if (Math.max(width, height) > rule.maxEdge) {
    return invalid(`The longest edge must be less than or equal to ${rule.maxEdge}.`);
  }
  if (Math.max(width, height) > rule.maxAspectRatio * Math.min(width, height)) {
    return invalid(`The ratio of the longer to the shorter edge must not exceed ${rule.maxAspectRatio}:1.`);
  }
  if (width * height < rule.minPixels) {
    return invalid("Requested resolution is below the current minimum pixel budget.");
  }
  if (width * height > rule.maxPixels) {
    return invalid("Requested resolution is above the current maximum pixel budget.");
  }
  return undefined;
}

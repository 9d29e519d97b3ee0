import { errors } from "./errors.ts";
import type { ModelCard } from "./model-card.ts";
import type { Fields } from "./request-fields.ts";
import { sizeViolation } from "./sizes.ts";

/** Width and height come together, agree with a size beside them, and make one that the model allows. Throws ApiError 400. */
export function checkSize({ size, width, height }: Fields, card: ModelCard): void {
  if (width === undefined && height === undefined) return;
  if (width === undefined) throw errors.missingParameter("width");
  if (height === undefined) throw errors.missingParameter("height");
  const text = `${width}x${height}`;
  if (size !== undefined && size !== "auto" && size !== text) {
    throw errors.conflict(
      "size",
      `Invalid size '${size}'. It does not agree with width ${width} and height ${height}.`,
    );
  }
  const violation = sizeViolation(text, card.sizes);
  if (violation) throw violation;
}

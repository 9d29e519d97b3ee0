import type { Size, Usage } from "@atoma/contract";

const PATCH = 16;

/**
 * Token counts of a request: input are the prompt's own tokens that reached the text encoder (no special ones, no
 * padding); output is one token for each started 16 × 16 pixels of each picture.
 */
export function countUsage(textTokens: number, { width, height }: Size, n: number): Usage {
  const imageTokens = n * Math.ceil(width / PATCH) * Math.ceil(height / PATCH);
  return {
    total_tokens: textTokens + imageTokens,
    input_tokens: textTokens,
    output_tokens: imageTokens,
    input_tokens_details: { text_tokens: textTokens, image_tokens: 0 },
    output_tokens_details: { text_tokens: 0, image_tokens: imageTokens },
  };
}

import type { Size, Usage } from "@atoma/contract";

const PATCH = 16;

/**
 * Token counts of a request: input are the prompt's own tokens that reached the text encoder (no special ones, no
 * padding); output is one token for each started 16 × 16 pixels of each picture. A picture to start from counts as input
 * what it has pixels at the requested size.
 */
export function countUsage(textTokens: number, { width, height }: Size, n: number, edit: boolean): Usage {
  const imageTokens = Math.ceil(width / PATCH) * Math.ceil(height / PATCH);
  const input = { text_tokens: textTokens, image_tokens: edit ? imageTokens : 0 };
  const inputTokens = input.text_tokens + input.image_tokens;
  const outputTokens = n * imageTokens;
  return {
    total_tokens: inputTokens + outputTokens,
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    input_tokens_details: input,
    output_tokens_details: { text_tokens: 0, image_tokens: outputTokens },
  };
}

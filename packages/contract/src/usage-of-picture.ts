import type { Usage } from "./generation-event.ts";

type Tokens = Usage["input_tokens_details"];

const NONE: Tokens = { text_tokens: 0, image_tokens: 0 };

/** The share of picture `index` in what `n` pictures took together: whole numbers that add up to it. */
const share = (total: number, n: number, index: number) =>
  Math.floor((total * (index + 1)) / n) - Math.floor((total * index) / n);

/**
 * The usage of picture `index` of `n`, for streams, which tell it with each picture. What was given is counted with the
 * first, so that the shares add up to the whole.
 */
export function usageOfPicture(usage: Usage, n: number, index: number): Usage {
  const input = index === 0 ? usage.input_tokens : 0;
  const output = share(usage.output_tokens, n, index);
  const details = usage.output_tokens_details;
  return {
    total_tokens: input + output,
    input_tokens: input,
    output_tokens: output,
    input_tokens_details: index === 0 ? usage.input_tokens_details : NONE,
    ...(details && {
      output_tokens_details: {
        text_tokens: share(details.text_tokens, n, index),
        image_tokens: share(details.image_tokens, n, index),
      },
    }),
  };
}

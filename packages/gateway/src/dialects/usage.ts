import type { Usage } from "@atoma/contract";
import { isRecord } from "./is-record.ts";

export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function readTokens(value: unknown): Usage["input_tokens_details"] | undefined {
  if (!isRecord(value)) return undefined;
  const { text_tokens, image_tokens } = value;
  return isCount(text_tokens) && isCount(image_tokens) ? { text_tokens, image_tokens } : undefined;
}

/** A usage as OpenAI reports it, and nothing else that came with it; undefined for what is none, or does not add up. */
export function readUsage(value: unknown): Usage | undefined {
  if (!isRecord(value)) return undefined;
  const { input_tokens, output_tokens, total_tokens } = value;
  const input = readTokens(value.input_tokens_details);
  const output = readTokens(value.output_tokens_details);
  if (!isCount(input_tokens) || !isCount(output_tokens) || !isCount(total_tokens) || !input) return undefined;
  if (total_tokens !== input_tokens + output_tokens) return undefined;
  return {
    total_tokens,
    input_tokens,
    output_tokens,
    input_tokens_details: input,
    ...(output && { output_tokens_details: output }),
  };
}

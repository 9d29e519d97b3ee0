import type { Usage } from "@atoma/contract";
import { isRecord } from "./is-record.ts";

export const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;

/** Whether this is a usage as OpenAI reports it. */
export function isUsage(value: unknown): value is Usage {
  if (!isRecord(value) || !isRecord(value.input_tokens_details)) return false;
  const { text_tokens, image_tokens } = value.input_tokens_details;
  return [value.total_tokens, value.input_tokens, value.output_tokens, text_tokens, image_tokens].every(isCount);
}

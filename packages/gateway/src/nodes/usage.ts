import type { Usage } from "@atoma/contract";

const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** Whether this is a usage as OpenAI reports it. */
export function isUsage(value: unknown): value is Usage {
  if (!isRecord(value) || !isRecord(value.input_tokens_details)) return false;
  const { text_tokens, image_tokens } = value.input_tokens_details;
  return [value.total_tokens, value.input_tokens, value.output_tokens, text_tokens, image_tokens].every(isCount);
}

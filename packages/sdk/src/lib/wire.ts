import { isRecord } from "../models/errors/envelope.ts";

/** Fields whose names differ between the wire and here; all others keep theirs. */
const SNAKE = new Set(
  (
    "response_format output_format output_compression partial_images input_fidelity guidance_scale negative_prompt " +
    "num_inference_steps b64_json revised_prompt total_tokens input_tokens output_tokens input_tokens_details " +
    "output_tokens_details text_tokens image_tokens partial_image_index created_at owned_by shutdown_date"
  ).split(" "),
);
/** Fields that are looked into; what is below an unknown field is left as it came. */
const ENTERED = /^(data|usage|(in|out)put_tokens_details)$/;

/** A copy with the known fields in camelCase. Known fields that are null are left out; unknown ones stay as they are. */
export function fromWire(value: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    const isKnown = SNAKE.has(name);
    if (name === "__proto__" || (isKnown && field === null)) continue;
    const here = isKnown ? name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()) : name;
    result[here] = typeof field === "object" && ENTERED.test(name) ? enter(field) : field;
  }
  return result;
}

function enter(field: unknown): unknown {
  const one = (item: unknown) => (isRecord(item) ? fromWire(item) : item);
  return Array.isArray(field) ? field.map(one) : one(field);
}

/** The name of a field on the wire. */
export function wireName(name: string): string {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return SNAKE.has(snake) ? snake : name;
}

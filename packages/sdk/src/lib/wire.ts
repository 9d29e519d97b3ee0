import { isRecord } from "../models/errors/envelope.ts";

/** Fields whose names differ between the wire and here; all others keep theirs. */
const SNAKE =
  /^((response|output)_format|output_compression|partial_image(s|_index)|input_fidelity|guidance_scale|negative_prompt|num_inference_steps|b64_json|revised_prompt|(total|input|output|text|image)_tokens(_details)?|created_at|owned_by|shutdown_date)$/;
/** Fields that are looked into; what is below an unknown field is left as it came. */
const ENTERED = /^(data|usage|(in|out)put_tokens_details)$/;

/** A copy with the known fields in camelCase. Known fields that are null are left out; unknown ones stay as they are. */
export function fromWire(value: Record<string, unknown>): Record<string, unknown> {
  const fields = Object.entries(value).filter(([name, field]) => field !== null || !SNAKE.test(name));
  return Object.fromEntries(fields.map(([name, field]) => [hereName(name), ENTERED.test(name) ? enter(field) : field]));
}

function enter(field: unknown): unknown {
  const one = (item: unknown) => (isRecord(item) ? fromWire(item) : item);
  return Array.isArray(field) ? field.map(one) : one(field);
}

function hereName(name: string): string {
  return SNAKE.test(name) ? name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()) : name;
}

/** The name of a field on the wire. */
export function wireName(name: string): string {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return SNAKE.test(snake) ? snake : name;
}

import { isRecord } from "../models/errors/envelope.ts";

/** The fields that are known here, by their names on the wire; all others keep theirs. */
const NAMES =
  "b64_json background created_at guidance_scale image_tokens input_fidelity input_tokens input_tokens_details negative_prompt num_inference_steps output_compression output_format output_tokens output_tokens_details owned_by partial_image_index partial_images quality response_format revised_prompt seed shutdown_date size text_tokens total_tokens url usage".split(
    " ",
  );
const CAMEL = new Map(NAMES.map((name) => [name, name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())]));
const WIRE = new Map(Array.from(CAMEL, ([name, here]) => [here, name]));

/**
 * A copy with the known fields in camelCase, also below known fields and `data`. Known fields that are null are left
 * out; unknown ones stay as they are.
 */
export function fromWire(value: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const field = value[name];
    const here = CAMEL.get(name);
    if (name === "__proto__" || (here && field === null)) continue;
    result[here ?? name] = here || name === "data" ? enter(field) : field;
  }
  return result;
}

function enter(field: unknown): unknown {
  return Array.isArray(field) ? field.map(enter) : isRecord(field) ? fromWire(field) : field;
}

/** The name of a field on the wire. */
export function wireName(name: string): string {
  return WIRE.get(name) ?? name;
}

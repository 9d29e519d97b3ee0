import { isRecord } from "../models/errors/envelope.ts";

/** The fields that are known here, with their names; all others keep theirs. */
const CAMEL = new Map(
  (
    "response_format output_format output_compression partial_images input_fidelity guidance_scale negative_prompt " +
    "num_inference_steps b64_json revised_prompt total_tokens input_tokens output_tokens input_tokens_details " +
    "output_tokens_details text_tokens image_tokens partial_image_index created_at owned_by shutdown_date " +
    "url seed size quality background usage"
  )
    .split(" ")
    .map((name) => [name, name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())]),
);
/** Fields that are looked into; what is below an unknown field is left as it came. */
const ENTERED = new Set(["data", "usage", "input_tokens_details", "output_tokens_details"]);

const WIRE = new Map(Array.from(CAMEL, ([name, here]) => [here, name]));

/** A copy with the known fields in camelCase. Known fields that are null are left out; unknown ones stay as they are. */
export function fromWire(value: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    const here = CAMEL.get(name);
    if (here) {
      if (field !== null) result[here] = enter(name, field);
    } else if (name !== "__proto__") {
      result[name] = enter(name, field);
    }
  }
  return result;
}

function enter(name: string, field: unknown): unknown {
  if (!ENTERED.has(name)) return field;
  if (Array.isArray(field)) return field.map((item: unknown) => (isRecord(item) ? fromWire(item) : item));
  return isRecord(field) ? fromWire(field) : field;
}

/** The name of a field on the wire. */
export function wireName(name: string): string {
  return WIRE.get(name) ?? name;
}

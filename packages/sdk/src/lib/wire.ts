import { isRecord } from "../models/errors/envelope.ts";

/** The fields that are known here, by their names here; all others keep theirs. */
const KNOWN = [
  "b64Json",
  "background",
  "createdAt",
  "endedAt",
  "expiresAt",
  "guidanceScale",
  "imageTokens",
  "inputFidelity",
  "inputTokens",
  "inputTokensDetails",
  "negativePrompt",
  "notes",
  "numInferenceSteps",
  "outputCompression",
  "outputFormat",
  "outputTokens",
  "outputTokensDetails",
  "ownedBy",
  "partialImageIndex",
  "partialImages",
  "quality",
  "responseFormat",
  "revisedPrompt",
  "seed",
  "shutdownDate",
  "size",
  "startedAt",
  "textTokens",
  "totalTokens",
  "truncatedNegativePrompt",
  "truncatedPrompt",
  "unknownWords",
  "url",
  "usage",
];
const WIRE = new Map(KNOWN.map((here) => [here, here.replace(/[A-Z]/g, "_$&").toLowerCase()]));
const CAMEL = new Map(Array.from(WIRE, ([here, name]) => [name, here]));

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

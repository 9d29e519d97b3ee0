import { OUTPUT_FORMATS, type Quality } from "./fields.ts";
import { MAX_INPUT_IMAGES } from "./input-image.ts";
import type { ModelCapabilities } from "./model-card.ts";
import { parseSize, type SizeRule } from "./sizes.ts";

/** What a model is said to be able to do is wrong; the message names the key. */
export class CapabilitiesError extends Error {
  override readonly name = "CapabilitiesError";
}

type Json = Readonly<Record<string, unknown>>;

const QUALITIES: readonly Quality[] = ["low", "medium", "high"];

const fail = (key: string, expected: string): never => {
  throw new CapabilitiesError(`${key}: expected ${expected}`);
};

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function object(value: unknown, key: string): Json {
  return isObject(value) ? value : fail(key, "a table of values");
}

function whole(value: unknown, key: string, min = 1): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= min
    ? value
    : fail(key, `a whole number of at least ${min}`);
}

function number(value: unknown, key: string, min: number): number {
  return typeof value === "number" && Number.isFinite(value) && value >= min
    ? value
    : fail(key, `a number of at least ${min}`);
}

function boolean(value: unknown, key: string): boolean {
  return typeof value === "boolean" ? value : fail(key, "true or false");
}

function size(value: unknown, key: string): string {
  return typeof value === "string" && parseSize(value) ? value : fail(key, "a size like 1024x1024");
}

function quality(value: unknown, key: string): Quality {
  return QUALITIES.find((known) => known === value) ?? fail(key, `one of ${QUALITIES.join(", ")}`);
}

function list<T>(value: unknown, key: string, read: (item: unknown, key: string) => T): T[] {
  if (!Array.isArray(value) || value.length === 0) return fail(key, "a list with at least one entry");
  return value.map((item: unknown, i) => read(item, `${key}[${i}]`));
}

function byQuality(value: unknown, key: string): Partial<Record<Quality, number>> {
  const entries = Object.entries(object(value, key));
  return Object.fromEntries(entries.map(([name, n]) => [quality(name, key), whole(n, `${key}.${name}`)]));
}

function sizes(value: unknown): SizeRule {
  const rule = object(value, "sizes");
  if (rule.kind === "fixed") return { kind: "fixed", values: list(rule.values, "sizes.values", size) };
  if (rule.kind !== "range") return fail("sizes.kind", "fixed or range");
  return {
    kind: "range",
    multiple: whole(rule.multiple, "sizes.multiple"),
    maxEdge: whole(rule.maxEdge, "sizes.maxEdge"),
    minPixels: whole(rule.minPixels, "sizes.minPixels"),
    maxPixels: whole(rule.maxPixels, "sizes.maxPixels"),
    maxAspectRatio: number(rule.maxAspectRatio, "sizes.maxAspectRatio", 1),
  };
}

function steps(value: unknown): ModelCapabilities["steps"] {
  const given = object(value, "steps");
  const max = whole(given.max, "steps.max");
  const standard = whole(given.default, "steps.default");
  const perQuality = given.quality === undefined ? undefined : byQuality(given.quality, "steps.quality");
  if (Math.max(standard, ...Object.values(perQuality ?? {})) > max) fail("steps.default", "at most steps.max");
  return { default: standard, max, ...(perQuality && { quality: perQuality }) };
}

function pricing(value: unknown): ModelCapabilities["pricing"] {
  const given = object(value, "pricing");
  return {
    perMille: whole(given.perMille, "pricing.perMille"),
    ...(given.quality !== undefined && { quality: byQuality(given.quality, "pricing.quality") }),
    ...(given.stepsBase !== undefined && { stepsBase: whole(given.stepsBase, "pricing.stepsBase") }),
  };
}

function guidance(value: unknown, key: string): ModelCapabilities["guidance_scale"] {
  const { default: standard, max } = object(value, key);
  return {
    default: number(standard, `${key}.default`, 0),
    ...(max !== undefined && { max: number(max, `${key}.max`, 0) }),
  };
}

/** How many schedulers a model may name, and how long their names are at most. */
const MAX_SCHEDULERS = 64;
const MAX_SCHEDULER_LENGTH = 64;

function schedulers(value: unknown, key: string): readonly string[] {
  const isName = (item: unknown): item is string =>
    typeof item === "string" && item !== "" && item.length <= MAX_SCHEDULER_LENGTH;
  if (Array.isArray(value) && value.length <= MAX_SCHEDULERS && value.every(isName)) return value;
  return fail(key, `at most ${MAX_SCHEDULERS} names of at most ${MAX_SCHEDULER_LENGTH} characters`);
}

function licence(value: unknown, key: string): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === "string" && value.length <= 100 ? value : fail(key, "at most 100 characters, or null");
}

/** Longest example, in UTF-16 code units, and how many there may be. */
const MAX_EXAMPLE_LENGTH = 200;
const MAX_EXAMPLES = 24;

function examples(value: unknown, key: string): readonly string[] {
  const isExample = (item: unknown): item is string =>
    typeof item === "string" && item !== "" && item.length <= MAX_EXAMPLE_LENGTH;
  if (Array.isArray(value) && value.length <= MAX_EXAMPLES && value.every(isExample)) return value;
  return fail(key, `at most ${MAX_EXAMPLES} prompts of at most ${MAX_EXAMPLE_LENGTH} characters`);
}

/** How each key is read; the keys are those of `ModelCapabilities`. */
const READERS: { readonly [K in keyof ModelCapabilities]: (value: unknown, key: string) => ModelCapabilities[K] } = {
  sizes,
  default_size: size,
  max_images: whole,
  max_prompt_length: whole,
  default_quality: quality,
  steps,
  guidance_scale: guidance,
  // Nodes of before requests could choose one do not name them.
  schedulers: (value, key) => (value === undefined ? [] : schedulers(value, key)),
  output_formats: (value, key) =>
    list(value, key, (item, at) => OUTPUT_FORMATS.find((f) => f === item) ?? fail(at, OUTPUT_FORMATS.join(", "))),
  seeds: boolean,
  negative_prompts: boolean,
  transparent_background: boolean,
  streaming: boolean,
  edits: boolean,
  // Nodes of before there were edits do not name these.
  max_input_images: (value, key) => (value === undefined ? MAX_INPUT_IMAGES : whole(value, key)),
  input_fidelity: (value, key) => (value === undefined ? false : boolean(value, key)),
  pricing,
  licence,
  // Nodes of before there were examples do not name them.
  examples: (value, key) => (value === undefined ? [] : examples(value, key)),
};

export const CAPABILITY_NAMES: readonly string[] = Object.keys(READERS);

/**
 * Checks what somebody else says that a model can do, key by key; `defaults` stands for the keys that are absent, and within
 * `steps`, `sizes` and `pricing` for the values that are. Unknown keys are ignored. Throws CapabilitiesError.
 */
export function readCapabilities(given: Json, defaults: Partial<ModelCapabilities> = {}): ModelCapabilities {
  const read = Object.entries(READERS).map(([key, reader]) => {
    // Read by the reader of the same name, which checks it.
    const standard: unknown = defaults[key as keyof ModelCapabilities];
    const value = given[key] ?? standard;
    const sameKind = !isObject(value) || !isObject(standard) || (value.kind ?? standard.kind) === standard.kind;
    const whole = isObject(value) && isObject(standard) && sameKind ? { ...standard, ...value } : value;
    return [key, reader(whole, key)];
  });
  return Object.fromEntries(read) as ModelCapabilities;
}

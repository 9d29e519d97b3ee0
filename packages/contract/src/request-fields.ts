import { checkSize } from "./check-size.ts";
import { errors } from "./errors.ts";
import {
  BACKGROUNDS,
  MODERATIONS,
  OUTPUT_FORMATS,
  QUALITIES_IN,
  RESPONSE_FORMATS,
  type ResponseFormat,
  STYLES,
} from "./fields.ts";
import type { ModelCard } from "./model-card.ts";
import { sizeViolation } from "./sizes.ts";
import { list } from "./wording.ts";

/** What a field is, where it is not text: an encoding that knows only text converts it to this first. */
export type ScalarKind = "integer" | "decimal" | "boolean";

interface Reader<T> {
  (value: unknown, param: string, card: ModelCard): T;
  readonly kind?: ScalarKind;
}

const integer = (min: number, max: number | ((card: ModelCard) => number)): Reader<number> =>
  Object.assign(
    (value: unknown, param: string, card: ModelCard) => {
      // JSON's 1e400 is one, too, and comes as infinity.
      const isInteger = Number.isInteger(value) || value === Infinity || value === -Infinity;
      if (typeof value !== "number" || !isInteger) throw errors.invalidType(param, "an integer", value);
      const top = typeof max === "number" ? max : max(card);
      if (value < min) throw errors.belowMinimum(param, "integer", min, value);
      if (value > top) throw errors.aboveMaximum(param, "integer", top, value);
      return value;
    },
    { kind: "integer" as const },
  );

const decimal = (min: number, max: (card: ModelCard) => number): Reader<number> =>
  Object.assign(
    (value: unknown, param: string, card: ModelCard) => {
      if (typeof value !== "number") throw errors.invalidType(param, "a decimal number", value);
      if (value < min) throw errors.belowMinimum(param, "decimal", min, value);
      const top = max(card);
      if (value > top) throw errors.aboveMaximum(param, "decimal", top, value);
      return value;
    },
    { kind: "decimal" as const },
  );

export const oneOf =
  <T extends string>(values: readonly T[]): Reader<T> =>
  (value, param) => {
    if (typeof value !== "string") throw errors.invalidType(param, `one of ${list(values, "or")}`, value);
    const known = values.find((v) => v === value);
    if (known === undefined) throw errors.invalidValue(param, value, values);
    return known;
  };

const boolean: Reader<boolean> = Object.assign(
  (value: unknown, param: string) => {
    if (typeof value !== "boolean") throw errors.invalidType(param, "a boolean", value);
    return value;
  },
  { kind: "boolean" as const },
);

/** The length of a string in code points; a string may be as long as a request body. */
function codePoints(value: string): number {
  let count = value.length;
  for (let i = 0; i < value.length - 1; i++) {
    if ((value.charCodeAt(i) & 0xfc00) === 0xd800 && (value.charCodeAt(i + 1) & 0xfc00) === 0xdc00) count--;
  }
  return count;
}

/** A string of at most the card's prompt length, counted in code points. */
const text: Reader<string> = (value, param, card) => {
  if (typeof value !== "string") throw errors.invalidType(param, "a string", value);
  if (value.length > card.maxPromptLength) {
    const length = codePoints(value);
    if (length > card.maxPromptLength) throw errors.stringTooLong(param, card.maxPromptLength, length);
  }
  return value;
};

const prompt: Reader<string> = (value, param, card) => {
  if (value === undefined) throw errors.missingParameter(param);
  if (value === "") throw errors.emptyString(param);
  return text(value, param, card);
};

const sizeText: Reader<string> = (value, param, card) => {
  if (typeof value !== "string") {
    const fixed = card.sizes.kind === "fixed" ? `one of ${list([...card.sizes.values, "auto"], "or")}` : "a string";
    throw errors.invalidType(param, fixed, value);
  }
  const violation = value === "auto" ? undefined : sizeViolation(value, card.sizes);
  if (violation) throw violation;
  return value;
};

/** One of the card's schedulers. */
const scheduler: Reader<string> = (value, param, card) => {
  const known = card.schedulers ?? [];
  if (known.length === 0) throw errors.unsupported(param, `The model '${card.id}' does not support '${param}'.`);
  return oneOf(known)(value, param, card);
};

/** The live API takes any scalar here; so do we. */
const user: Reader<string> = (value, param) => {
  if (typeof value === "object") throw errors.invalidType(param, "a string", value);
  return String(value);
};

/** The largest guidance scale of any model. */
export const MAX_GUIDANCE_SCALE = 20;

/** Every field besides `model`, in the order in which it is checked. */
const FIELDS = {
  prompt,
  n: integer(1, (card) => card.maxImages),
  size: sizeText,
  width: integer(1, 99_999),
  height: integer(1, 99_999),
  quality: oneOf(QUALITIES_IN),
  style: oneOf(STYLES),
  response_format: oneOf(RESPONSE_FORMATS),
  output_format: oneOf(OUTPUT_FORMATS),
  output_compression: integer(0, 100),
  background: oneOf(BACKGROUNDS),
  moderation: oneOf(MODERATIONS),
  stream: boolean,
  partial_images: integer(0, 3),
  user,
  seed: integer(0, 2 ** 32 - 1),
  steps: integer(1, (card) => card.steps.max),
  num_inference_steps: integer(1, (card) => card.steps.max),
  guidance_scale: decimal(0, (card) => card.guidanceScale.max ?? MAX_GUIDANCE_SCALE),
  negative_prompt: text,
  scheduler,
} satisfies Record<string, Reader<unknown>>;

type FieldName = keyof typeof FIELDS;
/** The first field that is looked at once the size is known to be right. */
const AFTER_SIZE: FieldName = "quality";
export type Fields = { [K in FieldName]?: ReturnType<(typeof FIELDS)[K]> };

/** Names of the fields that a generation request may have. */
export const REQUEST_FIELDS: readonly string[] = ["model", ...Object.keys(FIELDS)];

export interface ParseOptions {
  readonly findModel: (id: string) => ModelCard | undefined;
  /** Used when the request names no model; without it the model is required. */
  readonly defaultModel?: string | undefined;
  /** What happens to a field nobody knows: refused, dropped, or handed on to the node. */
  readonly unknownFields?: "reject" | "ignore" | "forward";
  /** What each item carries where the request does not say; without it both. */
  readonly defaultResponseFormat?: ResponseFormat | undefined;
  /** Names of the models that the caller may use, to name some where a model does not exist. */
  readonly modelNames?: (() => readonly string[]) | undefined;
}

/** The card of the model that a body names, or of the default. Throws ApiError 400 or 404. */
export function readModel(body: Readonly<Record<string, unknown>>, options: ParseOptions): ModelCard {
  const id = Object.hasOwn(body, "model") ? body.model : options.defaultModel;
  if (id === undefined) throw errors.missingParameter("model");
  if (typeof id !== "string") throw errors.invalidType("model", "a string", id);
  const card = options.findModel(id);
  if (!card) throw errors.modelNotFound(id, options.modelNames?.());
  return card;
}

/** Steps into the reading of the fields, for requests that are more than JSON fields. */
export interface FieldHooks {
  /** Makes a given value what the field's reader expects. */
  readonly convert?: (value: unknown, param: string, kind: ScalarKind | undefined) => unknown;
  /** Runs once the prompt is known to be right. */
  readonly afterPrompt?: () => void;
}

/** Every field of the table that the body has, in the table's order. Throws ApiError 400 at the first wrong one. */
export function readFields(body: Readonly<Record<string, unknown>>, card: ModelCard, hooks: FieldHooks = {}): Fields {
  const fields: Record<string, unknown> = {};
  for (const [name, read] of Object.entries<Reader<unknown>>(FIELDS)) {
    if (name === AFTER_SIZE) checkSize(fields, card);
    const value = Object.hasOwn(body, name) ? body[name] : undefined;
    if (name !== "prompt" && (value === undefined || value === null)) continue;
    fields[name] = read(hooks.convert ? hooks.convert(value, name, read.kind) : value, name, card);
    if (name === "prompt") hooks.afterPrompt?.();
  }
  // Each entry was made by the reader of the same name.
  return fields as Fields;
}

import { errors } from "./errors.ts";
import {
  BACKGROUNDS,
  MODERATIONS,
  OUTPUT_FORMATS,
  QUALITIES_IN,
  type Quality,
  RESPONSE_FORMATS,
  STYLES,
} from "./fields.ts";
import type { ImageJob } from "./image-job.ts";
import type { ModelCard } from "./model-card.ts";
import { parseSize, type Size, sizeViolation } from "./sizes.ts";
import { list } from "./wording.ts";

type Reader<T> = (value: unknown, param: string, card: ModelCard) => T;

const integer =
  (min: number, max: number | ((card: ModelCard) => number)): Reader<number> =>
  (value, param, card) => {
    if (typeof value !== "number" || !Number.isInteger(value)) throw errors.invalidType(param, "an integer", value);
    const top = typeof max === "number" ? max : max(card);
    if (value < min) throw errors.belowMinimum(param, "integer", min, value);
    if (value > top) throw errors.aboveMaximum(param, "integer", top, value);
    return value;
  };

const decimal =
  (min: number, max: number): Reader<number> =>
  (value, param) => {
    if (typeof value !== "number") throw errors.invalidType(param, "a decimal number", value);
    if (value < min) throw errors.belowMinimum(param, "decimal", min, value);
    if (value > max) throw errors.aboveMaximum(param, "decimal", max, value);
    return value;
  };

const oneOf =
  <T extends string>(values: readonly T[]): Reader<T> =>
  (value, param) => {
    if (typeof value !== "string") throw errors.invalidType(param, `one of ${list(values, "or")}`, value);
    const known = values.find((v) => v === value);
    if (known === undefined) throw errors.invalidValue(param, value, values);
    return known;
  };

const boolean: Reader<boolean> = (value, param) => {
  if (typeof value !== "boolean") throw errors.invalidType(param, "a boolean", value);
  return value;
};

/** A string of at most the card's prompt length, counted in code points. */
const text: Reader<string> = (value, param, card) => {
  if (typeof value !== "string") throw errors.invalidType(param, "a string", value);
  if (value.length > card.maxPromptLength) {
    const length = [...value].length;
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

/** The live API takes any scalar here; so do we. */
const user: Reader<string> = (value, param) => {
  if (typeof value === "object") throw errors.invalidType(param, "a string", value);
  return String(value);
};

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
  guidance_scale: decimal(0, 20),
  negative_prompt: text,
} satisfies Record<string, Reader<unknown>>;

type FieldName = keyof typeof FIELDS;
type Fields = { [K in FieldName]?: ReturnType<(typeof FIELDS)[K]> };

/** Names of the fields that a generation request may have. */
export const REQUEST_FIELDS: readonly string[] = ["model", ...Object.keys(FIELDS)];

export interface ParseOptions {
  readonly findModel: (id: string) => ModelCard | undefined;
  /** Used when the request names no model; without it the model is required. */
  readonly defaultModel?: string | undefined;
  /** What happens to a field nobody knows: refused, dropped, or handed on to the node. */
  readonly unknownFields?: "reject" | "ignore" | "forward";
}

function readModel(body: Readonly<Record<string, unknown>>, options: ParseOptions): ModelCard {
  const id = Object.hasOwn(body, "model") ? body.model : options.defaultModel;
  if (id === undefined) throw errors.missingParameter("model");
  if (typeof id !== "string") throw errors.invalidType("model", "a string", id);
  const card = options.findModel(id);
  if (!card) throw errors.modelNotFound(id);
  return card;
}

function readFields(body: Readonly<Record<string, unknown>>, card: ModelCard): Fields {
  const fields: Record<string, unknown> = {};
  for (const [name, read] of Object.entries<Reader<unknown>>(FIELDS)) {
    const value = Object.hasOwn(body, name) ? body[name] : undefined;
    if (name !== "prompt" && (value === undefined || value === null)) continue;
    fields[name] = read(value, name, card);
  }
  // Each entry was made by the reader of the same name.
  return fields as Fields;
}

function resolveSize(fields: Fields, card: ModelCard): Size {
  const { width, height } = fields;
  const named = fields.size === undefined || fields.size === "auto" ? undefined : fields.size;
  if (width === undefined && height === undefined) {
    const size = parseSize(named ?? card.defaultSize);
    if (!size) throw errors.internal(`default size of ${card.id}`);
    return size;
  }
  if (width === undefined) throw errors.missingParameter("width");
  if (height === undefined) throw errors.missingParameter("height");
  const text = `${width}x${height}`;
  if (named !== undefined && named !== text) {
    throw errors.conflict(
      "size",
      `Invalid size '${named}'. It does not agree with width ${width} and height ${height}.`,
    );
  }
  const violation = sizeViolation(text, card.sizes);
  if (violation) throw violation;
  return { width, height };
}

function resolveQuality(quality: Fields["quality"], card: ModelCard): Quality {
  switch (quality) {
    case undefined:
    case "auto":
      return card.defaultQuality;
    case "standard":
      return "medium";
    case "hd":
      return "high";
    default:
      return quality;
  }
}

function checkAcrossFields(fields: Fields): void {
  const { steps, num_inference_steps: alias } = fields;
  if (steps !== undefined && alias !== undefined && steps !== alias) {
    throw errors.conflict(
      "num_inference_steps",
      `'num_inference_steps' is ${alias}, but its alias 'steps' is ${steps}.`,
    );
  }
  const format = fields.output_format ?? "png";
  if (format === "png" && fields.output_compression !== undefined && fields.output_compression < 100) {
    throw errors.pngCompression();
  }
  if (format === "jpeg" && fields.background === "transparent") throw errors.transparentJpeg();
}

function checkCapabilities(fields: Fields, card: ModelCard): void {
  const refuse = (param: string) => {
    throw errors.unsupported(param, `The model '${card.id}' does not support '${param}'.`);
  };
  if (fields.background === "transparent" && !card.transparentBackground) throw errors.noTransparency();
  const format = fields.output_format;
  if (format !== undefined && !card.formats.includes(format)) {
    throw errors.invalidValue("output_format", format, card.formats);
  }
  if (fields.seed !== undefined && !card.seeds) refuse("seed");
  if (fields.negative_prompt && !card.negativePrompts) refuse("negative_prompt");
  if (fields.stream && !card.streaming) refuse("stream");
}

/**
 * Checks a request body against the model card and fills in every default.
 * Throws ApiError in OpenAI's wording; with several faults the first in this order: model, unknown fields, prompt, n,
 * size, the remaining fields, rules across fields, what the model cannot do.
 */
export function parseImageRequest(body: Readonly<Record<string, unknown>>, options: ParseOptions): ImageJob {
  const card = readModel(body, options);
  const unknown = Object.keys(body).filter((key) => key !== "model" && !Object.hasOwn(FIELDS, key));
  const [first] = unknown;
  if (first !== undefined && (options.unknownFields ?? "reject") === "reject") throw errors.unknownParameter(first);

  const fields = readFields(body, card);
  const size = resolveSize(fields, card);
  checkAcrossFields(fields);
  checkCapabilities(fields, card);

  const quality = resolveQuality(fields.quality, card);
  const forwarded = options.unknownFields === "forward" ? unknown : [];
  return Object.freeze({
    card,
    prompt: fields.prompt ?? "",
    negativePrompt: fields.negative_prompt ?? "",
    n: fields.n ?? 1,
    ...size,
    quality,
    style: fields.style ?? "vivid",
    background: fields.background === "transparent" ? "transparent" : "opaque",
    moderation: fields.moderation ?? "auto",
    outputFormat: fields.output_format ?? "png",
    outputCompression: fields.output_compression ?? 100,
    responseFormat: fields.response_format,
    stream: fields.stream ?? false,
    partialImages: fields.partial_images ?? 0,
    seed: fields.seed,
    steps: fields.steps ?? fields.num_inference_steps ?? card.steps.quality?.[quality] ?? card.steps.default,
    guidanceScale: fields.guidance_scale ?? card.guidanceScale.default,
    user: fields.user,
    given: new Set(Object.keys(fields)),
    extra: Object.fromEntries(forwarded.map((key) => [key, body[key]])),
  });
}

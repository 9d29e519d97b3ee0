import { errors } from "./errors.ts";
import type { Quality, ResponseFormat } from "./fields.ts";
import type { ImageJob } from "./image-job.ts";
import type { ModelCard } from "./model-card.ts";
import { type Fields, type ParseOptions, REQUEST_FIELDS, readFields, readModel } from "./request-fields.ts";
import { parseSize, type Size } from "./sizes.ts";

function resolveSize(fields: Fields, card: ModelCard, standard: string): Size {
  const { width, height } = fields;
  const named = fields.size === undefined || fields.size === "auto" ? undefined : fields.size;
  if (width === undefined && height === undefined) {
    const size = parseSize(named ?? standard);
    if (!size) throw errors.internal(`default size of ${card.id}`);
    return size;
  }
  if (width === undefined || height === undefined) throw errors.internal("half a size, which checkSize refuses");
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

/** What a request does not say, and its model does not either. */
export interface RequestDefaults {
  /** What no size means. */
  readonly size: string;
  /** What no response format means; undefined: both. */
  readonly responseFormat: ResponseFormat | undefined;
}

/** Settles what the fields mean together, and fills in every default. Throws ApiError 400. */
export function toImageJob(
  fields: Fields,
  card: ModelCard,
  extra: Readonly<Record<string, unknown>>,
  defaults: RequestDefaults,
): ImageJob {
  const size = resolveSize(fields, card, defaults.size);
  checkAcrossFields(fields);
  checkCapabilities(fields, card);

  const quality = resolveQuality(fields.quality, card);
  return Object.freeze({
    operation: "image_generation",
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
    responseFormat: fields.response_format ?? defaults.responseFormat,
    stream: fields.stream ?? false,
    partialImages: fields.partial_images ?? 0,
    seed: fields.seed,
    steps: fields.steps ?? fields.num_inference_steps ?? card.steps.quality?.[quality] ?? card.steps.default,
    guidanceScale: fields.guidance_scale ?? card.guidanceScale.default,
    scheduler: fields.scheduler,
    user: fields.user,
    given: new Set(Object.keys(fields)),
    extra,
  });
}

/**
 * Checks a request body against the model card and fills in every default.
 * Throws ApiError in OpenAI's wording; with several faults the first in this order: model, unknown fields, prompt, n,
 * size, the remaining fields, rules across fields, what the model cannot do.
 */
export function parseImageRequest(body: Readonly<Record<string, unknown>>, options: ParseOptions): ImageJob {
  const card = readModel(body, options);
  const unknown = Object.keys(body).filter((key) => !REQUEST_FIELDS.includes(key));
  const [first] = unknown;
  if (first !== undefined && (options.unknownFields ?? "reject") === "reject") throw errors.unknownParameter(first);

  const forwarded = options.unknownFields === "forward" ? unknown : [];
  const extra = Object.fromEntries(forwarded.map((key) => [key, body[key]]));
  const defaults = { size: card.defaultSize, responseFormat: options.defaultResponseFormat };
  return toImageJob(readFields(body, card), card, extra, defaults);
}

import { ApiError, type ImageJob, type ModelCard, type ParseOptions, parseImageRequest } from "../src/index.ts";

export const card: ModelCard = {
  id: "m",
  aliases: ["alias"],
  created: 1,
  ownedBy: "o",
  maxPromptLength: 100,
  sizes: {
    kind: "range",
    multiple: 16,
    maxEdge: 3840,
    minPixels: 65_536,
    maxPixels: 8_294_400,
    maxAspectRatio: 3,
  },
  defaultSize: "512x512",
  maxImages: 10,
  defaultQuality: "medium",
  steps: { default: 16, max: 50, quality: { low: 8, high: 28 } },
  guidanceScale: { default: 3 },
  formats: ["png", "webp", "jpeg"],
  seeds: true,
  negativePrompts: true,
  transparentBackground: false,
  streaming: true,
  edits: false,
  pricing: { perMille: 1000 },
};

const plain: ModelCard = { ...card, id: "plain", seeds: false, negativePrompts: false, streaming: false };
const alpha: ModelCard = { ...card, id: "alpha", transparentBackground: true };
const fixed: ModelCard = {
  ...card,
  id: "fixed",
  sizes: { kind: "fixed", values: ["1024x1024", "1024x1536", "1536x1024"] },
  defaultSize: "1024x1024",
};

const models: Record<string, ModelCard> = { m: card, alias: card, plain, alpha, fixed };

export function parse(body: Record<string, unknown>, options: Partial<ParseOptions> = {}): ImageJob {
  return parseImageRequest(body, {
    findModel: (id) => (Object.hasOwn(models, id) ? models[id] : undefined),
    ...options,
  });
}

/** The error of a body whose `model` and `prompt` are right unless given. */
export function refusal(fields: Record<string, unknown>, options: Partial<ParseOptions> = {}): ApiError {
  try {
    parse({ model: "m", prompt: "p", ...fields }, options);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error(`accepted ${JSON.stringify(fields)}`);
}

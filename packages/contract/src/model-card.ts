import type { Pricing } from "./compute-units.ts";
import type { OutputFormat, Quality } from "./fields.ts";
import { MAX_INPUT_IMAGES } from "./input-image.ts";
import type { SizeRule } from "./sizes.ts";

/** What a model is and can do. Validation, pricing and routing read it; nothing else decides what is allowed. */
export interface ModelCard {
  readonly id: string;
  /** Other ids that clients may use for it. */
  readonly aliases: readonly string[];
  /** Unix seconds. */
  readonly created: number;
  readonly ownedBy: string;
  /** Longest prompt and negative prompt, in Unicode code points. */
  readonly maxPromptLength: number;
  readonly sizes: SizeRule;
  /** What `size: "auto"` or no size means. */
  readonly defaultSize: string;
  readonly maxImages: number;
  readonly defaultQuality: Quality;
  readonly steps: {
    readonly default: number;
    readonly max: number;
    readonly quality?: Readonly<Partial<Record<Quality, number>>>;
  };
  /** `max`: above it the model falls apart. Default: as much as the contract takes, 20. */
  readonly guidanceScale: { readonly default: number; readonly max?: number };
  /** Names of the schedulers that a request may choose. Default: none, only the model's own. */
  readonly schedulers?: readonly string[];
  readonly formats: readonly OutputFormat[];
  readonly seeds: boolean;
  readonly negativePrompts: boolean;
  readonly transparentBackground: boolean;
  readonly streaming: boolean;
  readonly edits: boolean;
  /** How many pictures an edit may start from. Default: as many as the contract takes, 16. */
  readonly maxInputImages?: number;
  /** Whether an edit may ask how closely its pictures are to be kept to. Default: no. */
  readonly inputFidelity?: boolean;
  readonly pricing: Pricing;
  /** As the model's page names it: an SPDX id, or the licence's own name. */
  readonly licence?: string;
  /** Prompts that the model is good at, to begin with. */
  readonly examples?: readonly string[];
}

/** The card as JSON for `/v1/models` (snake_case, beside OpenAI's own four fields). */
export interface ModelCapabilities {
  readonly sizes: SizeRule;
  readonly default_size: string;
  readonly max_images: number;
  readonly max_prompt_length: number;
  readonly default_quality: Quality;
  readonly steps: ModelCard["steps"];
  readonly guidance_scale: ModelCard["guidanceScale"];
  readonly schedulers: readonly string[];
  readonly output_formats: readonly OutputFormat[];
  readonly seeds: boolean;
  readonly negative_prompts: boolean;
  readonly transparent_background: boolean;
  readonly streaming: boolean;
  readonly edits: boolean;
  readonly max_input_images: number;
  readonly input_fidelity: boolean;
  readonly pricing: Pricing;
  readonly licence: string | null;
  readonly examples: readonly string[];
}

/** One entry of `GET /v1/models`. */
export interface ModelObject {
  readonly id: string;
  readonly object: "model";
  readonly created: number;
  readonly owned_by: string;
  readonly capabilities: ModelCapabilities;
}

/** The card as `/v1/models` shows it; `id` names it by an alias instead. */
export function toModelObject(card: ModelCard, id: string = card.id): ModelObject {
  return {
    id,
    object: "model",
    created: card.created,
    owned_by: card.ownedBy,
    capabilities: {
      sizes: card.sizes,
      default_size: card.defaultSize,
      max_images: card.maxImages,
      max_prompt_length: card.maxPromptLength,
      default_quality: card.defaultQuality,
      steps: card.steps,
      guidance_scale: card.guidanceScale,
      schedulers: card.schedulers ?? [],
      output_formats: card.formats,
      seeds: card.seeds,
      negative_prompts: card.negativePrompts,
      transparent_background: card.transparentBackground,
      streaming: card.streaming,
      edits: card.edits,
      max_input_images: card.maxInputImages ?? MAX_INPUT_IMAGES,
      input_fidelity: card.inputFidelity ?? false,
      pricing: card.pricing,
      licence: card.licence ?? null,
      examples: card.examples ?? [],
    },
  };
}

/** The card behind a `/v1/models` entry of a node that speaks our dialect. */
export function fromModelObject(model: ModelObject, aliases: readonly string[] = []): ModelCard {
  const c = model.capabilities;
  return {
    id: model.id,
    aliases,
    created: model.created,
    ownedBy: model.owned_by,
    maxPromptLength: c.max_prompt_length,
    sizes: c.sizes,
    defaultSize: c.default_size,
    maxImages: c.max_images,
    defaultQuality: c.default_quality,
    steps: c.steps,
    guidanceScale: c.guidance_scale,
    schedulers: c.schedulers,
    formats: c.output_formats,
    seeds: c.seeds,
    negativePrompts: c.negative_prompts,
    transparentBackground: c.transparent_background,
    streaming: c.streaming,
    edits: c.edits,
    maxInputImages: c.max_input_images,
    inputFidelity: c.input_fidelity,
    pricing: c.pricing,
    ...(c.licence !== null && { licence: c.licence }),
    examples: c.examples,
  };
}

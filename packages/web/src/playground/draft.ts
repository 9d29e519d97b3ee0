import type { ModelCapabilities, OutputFormat } from "@atoma/contract";
import type { Model } from "./model.ts";

/** Largest guidance scale of the API. */
export const MAX_GUIDANCE = 20;

/** What the composer's controls say. */
export interface Draft {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly model: string;
  /** `WIDTHxHEIGHT` */
  readonly size: string;
  /** How many pictures. */
  readonly count: number;
  readonly seed: number;
  /** Whether the next pictures use the same seed again, or a new one. */
  readonly keepSeed: boolean;
  readonly steps: number;
  readonly guidanceScale: number;
  /** One of those that the model's card names; "" for the model's own. */
  readonly scheduler: string;
  readonly format: OutputFormat;
  /** How closely an edit keeps to its picture. */
  readonly fidelity: "low" | "high";
}

/** An edit's picture, and what of it is to be painted anew (its transparent parts); without a mask all of it. */
export interface Source {
  readonly image: Blob;
  readonly width: number;
  readonly height: number;
  readonly mask: Blob | undefined;
}

export function draftFor({ id, capabilities }: Model, seed: number): Draft {
  return {
    prompt: "",
    negativePrompt: "",
    model: id,
    size: capabilities.default_size,
    count: 1,
    seed,
    keepSeed: false,
    steps: capabilities.steps.default,
    guidanceScale: capabilities.guidance_scale.default,
    scheduler: "",
    format: capabilities.output_formats[0] ?? "png",
    fidelity: "low",
  };
}

/** The same with another model, within what its card allows; `sizes` are those that it offers. */
export function withinCard(draft: Draft, model: Model, sizes: readonly string[]): Draft {
  const card: ModelCapabilities = model.capabilities;
  return {
    ...draft,
    model: model.id,
    size: sizes.includes(draft.size) ? draft.size : card.default_size,
    count: Math.min(draft.count, card.max_images),
    steps: Math.min(draft.steps, card.steps.max),
    format: card.output_formats.includes(draft.format) ? draft.format : (card.output_formats[0] ?? "png"),
    scheduler: card.schedulers.includes(draft.scheduler) ? draft.scheduler : "",
    guidanceScale: Math.min(draft.guidanceScale, card.guidance_scale.max ?? MAX_GUIDANCE),
    negativePrompt: card.negative_prompts ? draft.negativePrompt : "",
  };
}

import type { Background, Moderation, OutputFormat, Quality, ResponseFormat, Style } from "./fields.ts";
import type { ModelCard } from "./model-card.ts";

/**
 * A validated request: every default filled in, every value within the model card's limits. Built once, by
 * `parseImageRequest`; what the ledger counts and what nodes get.
 */
export interface ImageJob {
  /** What its stream events are named after. */
  readonly operation: "image_generation" | "image_edit";
  readonly card: ModelCard;
  readonly prompt: string;
  readonly negativePrompt: string;
  /** How many pictures: 1 to `card.maxImages`. */
  readonly n: number;
  readonly width: number;
  readonly height: number;
  readonly quality: Quality;
  readonly style: Style;
  readonly background: Background;
  readonly moderation: Moderation;
  readonly outputFormat: OutputFormat;
  /** 0 to 100; for jpeg and webp. */
  readonly outputCompression: number;
  /** What each item carries; undefined: both url and b64_json. */
  readonly responseFormat: ResponseFormat | undefined;
  readonly stream: boolean;
  /** How many intermediate pictures a stream carries at the most: 0 to 3. */
  readonly partialImages: number;
  /** Of the first picture, 0 to 2^32 − 1; undefined: chosen by whoever generates. Picture i uses seed + i mod 2^32. */
  readonly seed: number | undefined;
  readonly steps: number;
  readonly guidanceScale: number;
  /** One of the card's; undefined: the model's own. */
  readonly scheduler: string | undefined;
  readonly user: string | undefined;
  /** Names of the fields that the client set itself; a dialect refuses those it cannot express. */
  readonly given: ReadonlySet<string>;
  /** Unknown fields, where the operator lets them through to the node. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** The seed of picture `index` of a job whose first picture has `seed`. */
export function seedOf(seed: number, index: number): number {
  return (seed + index) % 2 ** 32;
}

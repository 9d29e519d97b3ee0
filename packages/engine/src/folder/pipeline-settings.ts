import type { Fields } from "./fields.ts";

/** What a folder's `atoma.json` may set under `pipeline`; what it leaves out is as the reference does by itself. */
export interface PipelineSettings {
  /** How many of the text encoder's last layers are left out. */
  readonly clipSkip: number;
  /** 0 to 1: how far guidance is scaled back to the spread of what the prompt alone gives (arXiv 2305.08891, 3.4). */
  readonly guidanceRescale: number;
  /** FLUX: strength of guidance by a negative prompt, which takes a second evaluation a step; 1 means none. */
  readonly trueGuidance: number;
  /** FLUX and SD3: how many tokens the T5 encoder reads. */
  readonly t5Tokens: number | undefined;
  /** Pictures of more pixels are decoded in tiles. */
  readonly decodePixels: number;
}

/** A decode of 1536 × 1024 pixels takes about 3 GB in float32. */
const DECODE_PIXELS = 1536 * 1024;

export function readPipelineSettings(settings: Fields): PipelineSettings {
  const rescale = settings.number("guidanceRescale", 0, 0);
  if (rescale > 1) throw settings.fail(`"guidanceRescale" must be 0 to 1`);
  return {
    clipSkip: settings.integer("clipSkip", 0, 0),
    guidanceRescale: rescale,
    trueGuidance: settings.number("trueGuidance", 1, 1),
    t5Tokens: settings.has("t5Tokens") ? settings.integer("t5Tokens") : undefined,
    decodePixels: settings.integer("decodePixels", DECODE_PIXELS),
  };
}

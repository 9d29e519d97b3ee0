import type { OutputFormat } from "./fields.ts";
import type { Notes } from "./notes.ts";

/** Token counts as OpenAI reports them; `total_tokens` is the sum of input and output. */
export interface Usage {
  readonly total_tokens: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly input_tokens_details: { readonly text_tokens: number; readonly image_tokens: number };
  readonly output_tokens_details?: { readonly text_tokens: number; readonly image_tokens: number };
}

/** A finished picture as it travels inside the system: bytes, never base64. */
export interface GeneratedImage {
  readonly index: number;
  readonly bytes: Uint8Array;
  /** Undefined where the node does not tell. */
  readonly seed: number | undefined;
  readonly width: number;
  readonly height: number;
  readonly format: OutputFormat;
}

/**
 * What making pictures emits, everywhere: the engine yields it, the node sends it, the gateway consumes it.
 * `index` is the picture within the request (0-based); `partial` counts the previews of that picture (0-based).
 */
export type GenerationEvent =
  | { readonly type: "progress"; readonly index: number; readonly step: number; readonly steps: number }
  | { readonly type: "partial"; readonly index: number; readonly partial: number; readonly bytes: Uint8Array }
  | ({ readonly type: "image" } & GeneratedImage)
  | { readonly type: "done"; readonly usage: Usage | undefined; readonly notes?: Notes }
  /** The last event of a stream that failed after it began. */
  | { readonly type: "error"; readonly code: string; readonly message: string };

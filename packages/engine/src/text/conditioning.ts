import type { Notes } from "@atoma/contract";
import type { Output, TextNetwork } from "./text-network.ts";

/** What the denoiser is told about one text. */
export interface TextRow {
  /** [tokens, width], row by row. */
  readonly hidden: Float32Array<ArrayBuffer>;
  readonly tokens: number;
  readonly width: number;
  /** The text as one vector, where the family has that. */
  readonly pooled: Float32Array<ArrayBuffer> | undefined;
}

/** What the denoiser is told about a request's texts. */
export interface Conditioning {
  readonly prompt: TextRow;
  /** There where guidance needs it. */
  readonly negative: TextRow | undefined;
  /** Tokens of the prompt itself that were read: no special ones, no padding. */
  readonly textTokens: number;
  readonly notes: Notes;
}

export interface Texts {
  readonly prompt: string;
  /** Undefined where the request has none; given but empty is another matter for SDXL. */
  readonly negative: string | undefined;
  /** Whether the run is guided, so that the negative text is needed too. */
  readonly guided: boolean;
}

export interface Conditioner {
  encode(texts: Texts): Promise<Conditioning>;
  close(): Promise<void>;
}

export function shapeOf({ shape }: Output, what: string): readonly [tokens: number, width: number] {
  const [tokens, width] = shape;
  if (shape.length !== 2 || tokens === undefined || width === undefined) {
    throw new RangeError(`${what}: expected [batch, tokens, width], not ${shape.length + 1} dimensions`);
  }
  return [tokens, width];
}

/** Joins outputs of the same number of tokens on their width, and fills each token up with zeros to `width`, if given. */
export function joinWidths(parts: readonly Output[], width?: number): Output {
  const shapes = parts.map((part) => shapeOf(part, "hidden states"));
  const tokens = shapes[0]?.[0] ?? 0;
  const full = width ?? shapes.reduce((sum, [, own]) => sum + own, 0);
  const data = new Float32Array(tokens * full);
  for (let token = 0; token < tokens; token++) {
    let at = token * full;
    for (const [i, part] of parts.entries()) {
      const own = shapes[i]?.[1] ?? 0;
      data.set(part.data.subarray(token * own, (token + 1) * own), at);
      at += own;
    }
  }
  return { data, shape: [tokens, full] };
}

export function concat(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** How many unknown words an answer names at the most. */
const MOST_WORDS = 32;

/**
 * What to tell about the texts. Of several encoders the one that reads the most counts: `cuts` are what each left out of a
 * text.
 */
export function promptNotes(
  texts: Texts,
  cuts: { readonly prompt: readonly string[]; readonly negative: readonly string[] },
  words: TextNetwork["tokenizer"],
): Notes {
  const shortest = (parts: readonly string[]) => parts.reduce((a, b) => (b.length < a.length ? b : a), parts[0] ?? "");
  const truncated = shortest(cuts.prompt);
  const negative = shortest(cuts.negative);
  const unknown = words.unknownWords(texts.prompt, MOST_WORDS);
  return {
    ...(truncated !== "" && { truncated_prompt: truncated }),
    ...(negative !== "" && { truncated_negative_prompt: negative }),
    ...(unknown.length > 0 && { unknown_words: unknown }),
  };
}

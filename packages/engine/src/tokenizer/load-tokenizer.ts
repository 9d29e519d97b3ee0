import { existsSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { type Fields, fieldsOf, ModelFolderError, readJsonObject } from "../folder/fields.ts";
import { clipTokenizer } from "./clip-tokenizer.ts";
import { addedTokens, padTokenOf } from "./special-tokens.ts";

/** Longest token list where the tokenizer names no limit of its own (transformers writes 1e30 then). */
const MOST_TOKENS = 4096;

export interface Tokens {
  /** Padded to the text encoder's length. */
  readonly ids: readonly number[];
  /** 1 for each real token (special ones included), 0 for padding. */
  readonly mask: readonly number[];
  /** Tokens of the text itself that fitted: neither special ones nor padding. */
  readonly textTokens: number;
  /** The end of the text, which did not fit; empty where all of it did. */
  readonly cut: string;
}

export interface TextTokenizer {
  tokenize(text: string): Tokens;
  /** Words of a text that have no token of their own and none of their parts, at most `most` of them. */
  unknownWords(text: string, most: number): string[];
}

/** Where `part` begins within `whole`; throws RangeError when it does not occur. */
function indexOfPart(whole: readonly number[], part: readonly number[]): number {
  for (let start = 0; start + part.length <= whole.length; start++) {
    if (part.every((id, i) => whole[start + i] === id)) return start;
  }
  throw new RangeError("the tokenizer's special tokens do not surround the text");
}

/** `tokenizer.json`, or what `vocab.json` and `merges.txt` make of one, as CLIP's tokenizers are shipped. */
function readTokenizer(folder: string, config: Fields, pad: string | undefined): Record<string, unknown> {
  if (existsSync(join(folder, "tokenizer.json"))) return readJsonObject(folder, "tokenizer.json");
  const made = clipTokenizer(folder);
  const known = new Set(made.added_tokens.map(({ content }) => content));
  const added = addedTokens(config).filter(({ content }) => !known.has(content));
  // transformers splits a text at the padding token too, whether or not the config lists it.
  if (pad !== undefined && !known.has(pad) && !added.some(({ content }) => content === pad)) {
    added.push({ ...made.special(pad), normalized: false });
  }
  return { ...made.json, added_tokens: [...made.added_tokens, ...added] };
}

function createTokenizer(folder: string, json: Record<string, unknown>, config: Record<string, unknown>): Tokenizer {
  try {
    return new Tokenizer(json, config);
  } catch (cause) {
    throw new ModelFolderError(`${folder}/tokenizer.json: not a tokenizer`, { cause });
  }
}

/**
 * The tokenizer of a folder. A text too long is cut before its closing special tokens, so that a prompt keeps its end mark.
 * `length` is how many tokens the text encoder reads, where that is fixed; otherwise `model_max_length`.
 */
export function loadTokenizer(folder: string, length: number | undefined): TextTokenizer {
  const configFile = join(folder, "tokenizer_config.json");
  const config = existsSync(configFile) ? readJsonObject(configFile) : {};
  const fields = fieldsOf(config, configFile);
  const pad = padTokenOf(folder, fields);
  const json = readTokenizer(folder, fields, pad);
  const tokenizer = createTokenizer(folder, json, config);
  const limit = length ?? Math.min(fields.number("model_max_length", MOST_TOKENS, 1), MOST_TOKENS);
  const padId = pad === undefined ? 0 : tokenizer.token_to_id(pad);
  if (padId === undefined) throw fields.fail(`"pad_token" ${pad} is not in the vocabulary`);
  const special = tokenizer.encode("").ids.length;
  if (special > limit) throw fields.fail(`${special} special tokens do not fit into ${limit}`);
  const unknown = fields.has("unk_token") ? tokenizer.token_to_id(fields.string("unk_token")) : undefined;
  const plainIds = (text: string) => tokenizer.encode(text, { add_special_tokens: false }).ids;

  return {
    tokenize: (text) => {
      const whole = tokenizer.encode(text).ids;
      const plain = plainIds(text);
      const start = indexOfPart(whole, plain);
      const room = limit - (whole.length - plain.length);
      const kept = plain.slice(0, room);
      const real = [...whole.slice(0, start), ...kept, ...whole.slice(start + plain.length)];
      const padding = limit - real.length;
      return {
        ids: [...real, ...Array<number>(padding).fill(padId)],
        mask: [...real.map(() => 1), ...Array<number>(padding).fill(0)],
        textTokens: kept.length,
        cut: plain.length > room ? tokenizer.decode(plain.slice(room)).trim() : "",
      };
    },
    unknownWords: (text, most) => {
      if (unknown === undefined || !plainIds(text).includes(unknown)) return [];
      const words = new Set(text.match(/[\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}]/gu));
      const found = [...words].filter((word) => plainIds(word).includes(unknown));
      return found.slice(0, most);
    },
  };
}

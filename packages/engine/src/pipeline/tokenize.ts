import { Tokenizer } from "@huggingface/tokenizers";
import { ModelFolderError, readFields, readJsonObject } from "../folder/fields.ts";

/** Longest token list where the tokenizer names no limit of its own (transformers writes 1e30 then). */
const MOST_TOKENS = 4096;

export interface Tokens {
  /** Padded to the text encoder's length. */
  readonly ids: readonly number[];
  /** 1 for each real token (special ones included), 0 for padding. */
  readonly mask: readonly number[];
  /** Tokens of the text itself that fitted: neither special ones nor padding. */
  readonly textTokens: number;
}

export type Tokenize = (text: string) => Tokens;

/** Where `part` begins within `whole`; throws RangeError when it does not occur. */
function indexOfPart(whole: readonly number[], part: readonly number[]): number {
  for (let start = 0; start + part.length <= whole.length; start++) {
    if (part.every((id, i) => whole[start + i] === id)) return start;
  }
  throw new RangeError("the tokenizer's special tokens do not surround the text");
}

function padTokenOf(config: ReturnType<typeof readFields>): string | undefined {
  const token = config.value("pad_token");
  return typeof token === "string" ? token : config.object("pad_token")?.string("content");
}

/**
 * The tokenizer of a model folder. A text too long is cut before its closing special tokens, so that a prompt keeps its
 * end mark. `length` is the text encoder's fixed number of tokens, where it has one; otherwise `model_max_length`.
 */
export function loadTokenizer(folder: string, length: number | undefined): Tokenize {
  const config = readJsonObject(folder, "tokenizer", "tokenizer_config.json");
  const fields = readFields(folder, "tokenizer", "tokenizer_config.json");
  let tokenizer: Tokenizer;
  try {
    tokenizer = new Tokenizer(readJsonObject(folder, "tokenizer", "tokenizer.json"), config);
  } catch (cause) {
    if (cause instanceof ModelFolderError) throw cause;
    throw new ModelFolderError(`${folder}/tokenizer/tokenizer.json: not a tokenizer`, { cause });
  }
  const limit = length ?? Math.min(fields.number("model_max_length", MOST_TOKENS, 1), MOST_TOKENS);
  const padToken = padTokenOf(fields);
  const padId = padToken === undefined ? 0 : tokenizer.token_to_id(padToken);
  if (padId === undefined) throw fields.fail(`"pad_token" ${padToken} is not in the vocabulary`);
  const special = tokenizer.encode("").ids.length;
  if (special > limit) throw fields.fail(`${special} special tokens do not fit into ${limit}`);

  return (text) => {
    const whole = tokenizer.encode(text).ids;
    const plain = tokenizer.encode(text, { add_special_tokens: false }).ids;
    const start = indexOfPart(whole, plain);
    const kept = plain.slice(0, limit - (whole.length - plain.length));
    const real = [...whole.slice(0, start), ...kept, ...whole.slice(start + plain.length)];
    const padding = limit - real.length;
    return {
      ids: [...real, ...Array<number>(padding).fill(padId)],
      mask: [...real.map(() => 1), ...Array<number>(padding).fill(0)],
      textTokens: kept.length,
    };
  };
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Fields, fieldsOf, isObject, readFields } from "../folder/fields.ts";

/** A token as transformers writes it: its text, or an object with the text as `content`. */
function contentOf(fields: Fields, key: string): string | undefined {
  const value = fields.value(key);
  if (value === undefined || typeof value === "string") return value;
  return fields.object(key)?.string("content");
}

/**
 * The token that fills up short texts. `special_tokens_map.json` decides where `tokenizer_config.json` has no
 * `added_tokens_decoder` (transformers' rule): Stable Diffusion 2 pads with `!` there, though its config says otherwise.
 */
export function padTokenOf(folder: string, config: Fields): string | undefined {
  const file = join(folder, "special_tokens_map.json");
  const map = existsSync(file) ? readFields(file) : fieldsOf({}, file);
  const first = config.has("added_tokens_decoder") ? config : map;
  return contentOf(first, "pad_token") ?? contentOf(config, "pad_token") ?? contentOf(map, "pad_token");
}

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  readonly special: boolean;
}

/** The tokens of `added_tokens_decoder`, which are looked for in a text before anything else is done to it. */
export function addedTokens(config: Fields): AddedToken[] {
  const decoder = config.value("added_tokens_decoder");
  if (!isObject(decoder)) return [];
  return Object.entries(decoder).flatMap(([id, value]) => {
    if (!isObject(value)) return [];
    const token = fieldsOf(value, `"added_tokens_decoder"`);
    return [
      {
        id: Number(id),
        content: token.string("content"),
        single_word: token.boolean("single_word", false),
        lstrip: token.boolean("lstrip", false),
        rstrip: token.boolean("rstrip", false),
        normalized: token.boolean("normalized", false),
        special: token.boolean("special", true),
      },
    ];
  });
}

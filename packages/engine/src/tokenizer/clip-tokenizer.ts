import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ModelFolderError, readJsonObject } from "../folder/fields.ts";
import type { AddedToken } from "./special-tokens.ts";

const START = "<|startoftext|>";
const END = "<|endoftext|>";

/** A text is cut into contractions, words, single digits and runs of other signs. */
const PIECES = String.raw`'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`;

function readMerges(folder: string): string[][] {
  const file = join(folder, "merges.txt");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new ModelFolderError(
      `${file}: cannot be read; a tokenizer needs tokenizer.json, or vocab.json and merges.txt`,
      {
        cause,
      },
    );
  }
  const [first = "", ...rest] = text.split(/\r?\n/u);
  const lines = first.startsWith("#version") ? rest : [first, ...rest];
  const merges = lines.filter((line) => line !== "").map((line) => line.split(" "));
  const broken = merges.find((merge) => merge.length !== 2);
  if (broken) throw new ModelFolderError(`${file}: "${broken.join(" ")}" is not a pair of tokens`);
  return merges;
}

export interface ClipTokenizer {
  readonly json: Readonly<Record<string, unknown>>;
  readonly added_tokens: readonly AddedToken[];
  /** A token of the vocabulary as a special one. Throws ModelFolderError when there is none. */
  special(content: string): AddedToken;
}

/**
 * The tokenizer of CLIP, from `vocab.json` and `merges.txt`, in the form of a `tokenizer.json`: as transformers' converter of
 * the slow tokenizer makes it (`convert_slow_tokenizer.py`, CLIPConverter). Throws ModelFolderError.
 */
export function clipTokenizer(folder: string): ClipTokenizer {
  const vocab = readJsonObject(folder, "vocab.json");
  const idOf = (token: string) => {
    const id = vocab[token];
    if (typeof id !== "number") throw new ModelFolderError(`${folder}/vocab.json: has no token ${token}`);
    return id;
  };
  const special = (content: string): AddedToken => ({
    id: idOf(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: true,
    special: true,
  });
  const json = {
    version: "1.0",
    truncation: null,
    padding: null,
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFC" },
        { type: "Replace", pattern: { Regex: String.raw`\s+` }, content: " " },
        { type: "Lowercase" },
      ],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: PIECES }, behavior: "Removed", invert: true },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: {
      type: "RobertaProcessing",
      sep: [END, idOf(END)],
      cls: [START, idOf(START)],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: END,
      continuing_subword_prefix: "",
      end_of_word_suffix: "</w>",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges: readMerges(folder),
    },
  };
  return { json, added_tokens: [special(START), special(END)], special };
}

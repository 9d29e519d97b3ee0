/** What a model did to a prompt that its writer did not ask for, as an answer names it (an extension of OpenAI's). */
export interface Notes {
  /** The end of the prompt, which was beyond what the model reads. */
  readonly truncated_prompt?: string;
  /** The same of the negative prompt. */
  readonly truncated_negative_prompt?: string;
  /** Words of the prompt that the model does not know, which say nothing to it. */
  readonly unknown_words?: readonly string[];
}

/** As long as a prompt may be, in UTF-16 code units: 32,000 code points. */
const MAX_LENGTH = 64_000;
const MAX_WORDS = 32;

const isText = (value: unknown): value is string =>
  typeof value === "string" && value !== "" && value.length <= MAX_LENGTH;

/** The notes of a node's answer; what is none of them, or too long, is left out. Undefined where nothing remains. */
export function readNotes(value: unknown): Notes | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  // Every field is looked at before it is used.
  const {
    truncated_prompt: prompt,
    truncated_negative_prompt: negative,
    unknown_words: words,
  } = value as Record<string, unknown>;
  const known = Array.isArray(words) ? words.filter(isText).slice(0, MAX_WORDS) : [];
  const notes: Notes = {
    ...(isText(prompt) && { truncated_prompt: prompt }),
    ...(isText(negative) && { truncated_negative_prompt: negative }),
    ...(known.length > 0 && { unknown_words: known }),
  };
  return Object.keys(notes).length > 0 ? notes : undefined;
}

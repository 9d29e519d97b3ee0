import { errors } from "./errors.ts";

const MAX_DEPTH = 32;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;
const CLOSE_BRACKET = 0x5d;

/** Whether brackets outside strings nest deeper than `max`. Linear, and without recursion, unlike JSON.parse's users. */
function nestsDeeper(bytes: Uint8Array, max: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) {
      inString = true;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (++depth > max) return true;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--;
    }
  }
  return false;
}

/**
 * A request body as a JSON object. UTF-8, with or without a byte order mark, nested at most 32 deep; of a key given
 * twice the last value counts. Throws ApiError 400 on anything else.
 */
export function parseJsonObject(bytes: Uint8Array): Record<string, unknown> {
  if (nestsDeeper(bytes, MAX_DEPTH)) throw errors.tooDeep();
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    // The parser's message quotes the body, which may hold a prompt.
    throw errors.notJson();
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw errors.notAnObject(value);
  // Not null and not an array: an object of string keys, as JSON.parse makes them.
  return value as Record<string, unknown>;
}

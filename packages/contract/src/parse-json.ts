import { errors } from "./errors.ts";
import { findRepeated } from "./repeated-member.ts";

const MAX_DEPTH = 32;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;
const CLOSE_BRACKET = 0x5d;

/**
 * Of the largest bodies nearly everything is pictures, in few and long strings. What has more than this many quotes, or
 * bytes outside strings and backslashes in them, is refused, as it would take long to look at and longer to parse.
 */
const MAX_QUOTES = 250_000;
const MAX_BYTES_LOOKED_AT = 4 * 2 ** 20;

/** Where the string that begins before `from` ends; −1 where it does not. Counts what it looks at into `looks`. */
function endOfString(body: Buffer, from: number, looks: { quotes: number; bytes: number }): number {
  let quote = from - 1;
  while (true) {
    if (++looks.quotes > MAX_QUOTES) throw errors.tooManyValues();
    quote = body.indexOf(QUOTE, quote + 1);
    let at = quote - 1;
    while (at >= from && body[at] === BACKSLASH && quote - at <= MAX_BYTES_LOOKED_AT + 1) at--;
    const backslashes = quote - 1 - at;
    looks.bytes += backslashes;
    if (looks.bytes > MAX_BYTES_LOOKED_AT) throw errors.tooManyValues();
    if (quote === -1 || backslashes % 2 === 0) return quote;
  }
}

/**
 * Looks through a body outside of its strings: throws ApiError 400 where brackets nest deeper than `max`, and counts the
 * colons, one for each member of an object. Linear, without recursion, unlike JSON.parse's users, and quick over long strings.
 */
function countMembers(bytes: Uint8Array, max: number): number {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const looks = { quotes: 0, bytes: 0 };
  let depth = 0;
  let members = 0;
  for (let i = 0; i < body.length; i++) {
    if (++looks.bytes > MAX_BYTES_LOOKED_AT) throw errors.tooManyValues();
    const byte = body[i];
    if (byte === QUOTE) {
      i = endOfString(body, i + 1, looks);
      // A string without an end is the parser's to refuse.
      if (i === -1) return members;
    } else if (byte === COLON) {
      members++;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (++depth > max) throw errors.tooDeep();
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--;
    }
  }
  return members;
}

/** How many members the objects of a parsed value have together. It nests at most as deep as `countMembers` allows. */
function membersOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const items = Object.values(value);
  let members = Array.isArray(value) ? 0 : items.length;
  for (const item of items) if (typeof item === "object") members += membersOf(item);
  return members;
}

function decode(bytes: Uint8Array): string {
  // JSON begins with a character of ASCII, whose other half is zero in UTF-16.
  if (bytes.length > 1 && (bytes[0] === 0 || bytes[1] === 0)) throw errors.notUtf8();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw errors.notUtf8();
  }
}

/**
 * A request body as a JSON object. UTF-8, with or without a byte order mark, nested at most 32 deep. A member that stands
 * twice in an object, also where it is escaped in different ways, is refused: of `{"n":1,"n":5}` nobody can say what was
 * meant, and two parsers may differ. Throws ApiError 400 on anything else.
 */
export function parseJsonObject(bytes: Uint8Array): Record<string, unknown> {
  const members = countMembers(bytes, MAX_DEPTH);
  const text = decode(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    if (/^\s*$/.test(text)) throw errors.emptyBody();
    // The parser's message quotes the body, which may hold a prompt.
    throw errors.notJson();
  }
  // Of a member that stands twice JSON.parse keeps one.
  if (membersOf(value) !== members) throw errors.repeatedParameter(findRepeated(text));
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw errors.notAnObject(value);
  // Not null and not an array: an object of string keys, as JSON.parse makes them.
  return value as Record<string, unknown>;
}

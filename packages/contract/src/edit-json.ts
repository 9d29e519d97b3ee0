import { errors } from "./errors.ts";
import { type InputFile, MAX_INPUT_IMAGES } from "./input-image.ts";

/** From OpenAI's specification of `image_url`. */
const MAX_URL_LENGTH = 20_971_520;
/** A data URL up to its data: media type, parameters, and whether it is base64 (RFC 2397). */
const DATA_URL = /^data:([^;,]*)((?:;[^;,]*)*),/i;
/** Of a data URL's beginning, far more than one with parameters takes. */
const MAX_PREFIX = 1024;
/** What base64 may have between its characters, as browsers read it. */
const BLANKS = ["\n", "\r", " ", "\t", "\f"];

/** How often one character stands in a text, which may be long. */
function countOf(character: string, text: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at !== -1; at = text.indexOf(character, at + 1)) count++;
  return count;
}

/**
 * Base64 as bytes, with or without padding; it may have line ends and blanks in it, as MIME encoders make them. Undefined
 * unless every other character counts.
 */
function decodeBase64(given: string): Uint8Array | undefined {
  const text = given.trimEnd();
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const blanks = BLANKS.reduce((sum, blank) => sum + countOf(blank, text), 0);
  const bytes = Buffer.from(text, "base64");
  // Node skips what is not base64, so a stray character shows as missing bytes.
  return bytes.length === Math.floor(((text.length - blanks - padding) * 3) / 4) ? bytes : undefined;
}

const wanted = "Send the image itself as a 'data:' URL of type image/png, image/jpeg or image/webp, in base64.";

/** What is wrong with a URL that holds no picture in base64. */
function faultOf(url: string): string {
  if (!/^data:/i.test(url)) {
    if (/^https?:/i.test(url)) return "this server fetches no remote images";
    return /^[a-z][a-z0-9+.-]*:/i.test(url) ? "this server reads no URLs but 'data:' ones" : "it is no URL";
  }
  return DATA_URL.test(url.slice(0, MAX_PREFIX))
    ? "the 'data:' URL is not in base64"
    : "the 'data:' URL has no comma before its data";
}

function readDataUrl(url: string, param: string): InputFile {
  if (url.length > MAX_URL_LENGTH) throw errors.stringTooLong(param, MAX_URL_LENGTH, url.length);
  const [prefix, type, parameters] = DATA_URL.exec(url.slice(0, MAX_PREFIX)) ?? [];
  if (prefix === undefined || type === undefined || !/;[ ]*base64$/i.test(parameters ?? "")) {
    throw errors.conflict(param, `Invalid '${param}': ${faultOf(url)}. ${wanted}`);
  }
  const bytes = decodeBase64(url.slice(prefix.length));
  if (!bytes) throw errors.conflict(param, `Invalid '${param}': the data is not valid base64.`);
  return { param, bytes, mediaType: type.trim().toLowerCase() || undefined };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An `{image_url}` object. `{file_id}` is of the format too, but there are no stored input files here. */
function readReference(value: unknown, param: string): InputFile {
  if (!isObject(value)) throw errors.invalidType(param, "an object", value);
  const extra = Object.keys(value).find((key) => key !== "image_url" && key !== "file_id");
  if (extra !== undefined) throw errors.unknownParameter(`${param}.${extra}`);
  const url = value.image_url ?? undefined;
  const file = value.file_id ?? undefined;
  if (url === undefined && file === undefined) throw errors.missingParameter(`${param}.image_url`);
  if (url !== undefined && file !== undefined) {
    throw errors.conflict(param, `Invalid '${param}': exactly one of 'image_url' and 'file_id' must be given.`);
  }
  if (file !== undefined) {
    const name = `${param}.file_id`;
    if (typeof file !== "string") throw errors.invalidType(name, "a string", file);
    throw errors.conflict(
      name,
      `Invalid '${name}': this server stores no input files. Send the image itself in 'image_url', as a 'data:' URL.`,
    );
  }
  if (typeof url !== "string") throw errors.invalidType(`${param}.image_url`, "a string", url);
  return readDataUrl(url, `${param}.image_url`);
}

/** The `images` of a JSON edit: 1 to 16 objects. Throws ApiError 400. */
export function* readJsonImages(value: unknown): Generator<InputFile> {
  if (value === undefined) throw errors.missingParameter("images");
  if (!Array.isArray(value)) throw errors.invalidType("images", "an array of objects", value);
  if (value.length === 0) throw errors.emptyArray("images");
  if (value.length > MAX_INPUT_IMAGES) throw errors.arrayTooLong("images", MAX_INPUT_IMAGES, value.length);
  for (const [i, item] of value.entries()) yield readReference(item, `images[${i}]`);
}

/** The `mask` of a JSON edit; null means none. Throws ApiError 400. */
export function readJsonMask(value: unknown): InputFile | undefined {
  return value === undefined || value === null ? undefined : readReference(value, "mask");
}

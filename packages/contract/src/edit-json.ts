import { errors } from "./errors.ts";
import { type InputFile, MAX_INPUT_IMAGES } from "./input-image.ts";

/** From OpenAI's specification of `image_url`. */
const MAX_URL_LENGTH = 20_971_520;
const DATA_URL = /^data:(image\/(?:png|jpe?g|webp));base64,/i;

/** Standard base64 as bytes; undefined unless every character of it counts. */
function decodeBase64(text: string): Uint8Array | undefined {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = Buffer.from(text, "base64");
  // Node skips what is not base64, so a stray character shows as missing bytes.
  return bytes.length === Math.floor(((text.length - padding) * 3) / 4) ? bytes : undefined;
}

function readDataUrl(url: string, param: string): InputFile {
  if (url.length > MAX_URL_LENGTH) throw errors.stringTooLong(param, MAX_URL_LENGTH, url.length);
  const [prefix, mediaType] = DATA_URL.exec(url.slice(0, 40)) ?? [];
  if (prefix === undefined || mediaType === undefined) {
    throw errors.conflict(
      param,
      `Invalid '${param}': this server fetches no remote images. Send the image itself as a 'data:' URL of type image/png, image/jpeg or image/webp, in base64.`,
    );
  }
  const bytes = decodeBase64(url.slice(prefix.length));
  if (!bytes) throw errors.conflict(param, `Invalid '${param}': the data is not valid base64.`);
  return { param, bytes, mediaType: mediaType.toLowerCase() };
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

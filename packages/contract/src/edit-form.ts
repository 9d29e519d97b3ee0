import { errors } from "./errors.ts";
import { type InputFile, MAX_INPUT_IMAGES } from "./input-image.ts";
import type { ScalarKind } from "./request-fields.ts";

/** One part of a multipart form: text, or the bytes of a file. */
export interface FormPart {
  readonly name: string;
  readonly value: string | Uint8Array;
  /** The media type that the part declares, lower case, without parameters. */
  readonly mediaType: string | undefined;
  /** The name that a file was sent under. */
  readonly fileName?: string | undefined;
}

const WRITTEN: Readonly<Record<ScalarKind, { readonly expected: string; readonly pattern: RegExp }>> = {
  integer: { expected: "an integer", pattern: /^-?\d+$/ },
  decimal: { expected: "a decimal number", pattern: /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/ },
  // Python writes its own with capitals.
  boolean: { expected: "a boolean", pattern: /^(?:[Tt]rue|[Ff]alse)$/ },
};

/** Fields of free text: for these an empty text is a value. */
const FREE_TEXT = new Set(["prompt", "negative_prompt", "user"]);
const MANY = new Set(["image", "image[]"]);

/** Text of a form as the number or boolean that its field is. Throws ApiError 400 when it is none. */
export function convertText(value: unknown, param: string, kind: ScalarKind | undefined): unknown {
  if (kind === undefined || typeof value !== "string") return value;
  const { expected, pattern } = WRITTEN[kind];
  if (!pattern.test(value)) throw errors.notConvertible(param, expected);
  return kind === "boolean" ? value.toLowerCase() === "true" : Number(value);
}

/** Throws ApiError 400 where a field that has one value stands twice. */
export function refuseRepeated(parts: readonly FormPart[]): void {
  const seen = new Set<string>();
  for (const { name } of parts) {
    if (MANY.has(name)) continue;
    if (seen.has(name)) throw errors.repeatedParameter(name);
    seen.add(name);
  }
}

/**
 * Whether a part says nothing: a form has no null, so clients send an empty text for a field that they leave out, and
 * browsers an empty file without a name where none was chosen. Only of the known fields; others are refused as they are.
 */
export function isLeftOut({ name, value, fileName }: FormPart, known: (name: string) => boolean): boolean {
  if (value.length > 0 || !known(name)) return false;
  return typeof value === "string" ? !FREE_TEXT.has(name) : fileName === "";
}

function asFile({ value, mediaType }: FormPart, param: string): InputFile {
  if (typeof value === "string") throw errors.invalidType(param, "a file", value);
  return { param, bytes: value, mediaType };
}

const isImage = ({ name }: FormPart) => MANY.has(name);

/** The parts `image` and `image[]` of a form: 1 to 16 files. Throws ApiError 400. */
export function* readFormImages(parts: readonly FormPart[]): Generator<InputFile> {
  const images = parts.filter(isImage);
  if (images.length === 0) throw errors.missingParameter("image");
  if (images.length > MAX_INPUT_IMAGES) throw errors.arrayTooLong("image", MAX_INPUT_IMAGES, images.length);
  for (const [i, part] of images.entries()) {
    const alone = images.length === 1 && part.name === "image";
    yield asFile(part, alone ? "image" : `image[${i}]`);
  }
}

/** The part `mask` of a form. Throws ApiError 400 when it is not a file. */
export function readFormMask(parts: readonly FormPart[]): InputFile | undefined {
  const mask = parts.find(({ name }) => name === "mask");
  return mask && asFile(mask, "mask");
}

import {
  type EditJob,
  errors,
  type GenerationEvent,
  type ImageJob,
  MEDIA_TYPES,
  readWholeImage,
  seedOf,
} from "@atoma/contract";
import type { AnswerEvent, AnswerReader, NodeRequest } from "./dialect.ts";
import { type FormField, formBody } from "./form-body.ts";
import { isRecord } from "./is-record.ts";
import { readUsage } from "./usage.ts";

/** Beyond what any encoder makes of a picture: 16 bits for each of four channels, and text chunks. */
const BYTES_PER_PIXEL = 8;
const EXTRA_BYTES = 256 * 1024;
/** Below the longest string that V8 can hold. */
const MAX_ANSWER_BYTES = 256 * 2 ** 20;

const DATA_URL = /^data:image\/[a-z0-9.+-]+;base64,/i;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** One entry of an answer's `data`. */
export type ForeignPicture = { readonly base64: string } | { readonly url: string };

export function pictureBytes({ width, height }: ImageJob): number {
  return width * height * BYTES_PER_PIXEL + EXTRA_BYTES;
}

function toPicture(item: unknown): ForeignPicture {
  if (!isRecord(item)) throw new Error("an entry of data is no object");
  // xAI's way to say that its moderation took the picture away.
  if (item.respect_moderation === false) throw errors.moderationBlocked();
  const { b64_json: base64, url } = item;
  if (typeof base64 === "string" && base64 !== "") return { base64: base64.replace(DATA_URL, "") };
  if (typeof url !== "string" || url === "") throw new Error("an entry of data has no picture");
  return DATA_URL.test(url) ? { base64: url.replace(DATA_URL, "") } : { url };
}

/** JSON, or an error that says nothing of the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // V8's own message quotes the text, which may be the prompt or a picture, and errors are logged.
    throw new Error("not JSON");
  }
}

/** The pictures of an OpenAI answer and its usage, if it tells. Throws on anything else. */
export function readAnswer(text: string): { pictures: ForeignPicture[]; usage: unknown } {
  const answer = parseJson(text);
  if (!isRecord(answer) || !Array.isArray(answer.data)) throw new Error("an answer without data");
  return { pictures: answer.data.map(toPicture), usage: answer.usage };
}

/** Bytes of standard base64. Throws on any other character, and on a length that padding cannot explain. */
export function decodeBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0 || !BASE64.test(text)) throw new Error("not base64");
  return Buffer.from(text, "base64");
}

/** A picture with the format and size that its header tells; `seed` is that of the first one. Throws on what is none. */
export function imageEvent(index: number, bytes: Uint8Array, seed: number | undefined): GenerationEvent {
  const header = readWholeImage(bytes);
  if (!header) throw new Error(`picture ${index} is no picture`);
  return { type: "image", index, bytes, seed: seed === undefined ? undefined : seedOf(seed, index), ...header };
}

/** What is to be done about one picture: its bytes with the format and size that its header tells, or a URL to get it from. */
function pictureEvent(index: number, picture: ForeignPicture, job: ImageJob, seed: number | undefined): AnswerEvent {
  if ("base64" in picture) return imageEvent(index, decodeBase64(picture.base64), seed);
  return { type: "url", index, url: picture.url, maxBytes: pictureBytes(job), seed };
}

/**
 * Reads an answer in OpenAI's JSON: each picture, then `done`. What comes beyond `n` is dropped. `seed` is that of the first
 * picture, where the server was told one.
 */
export function jsonReader(job: ImageJob, seed: number | undefined): AnswerReader {
  const maxBytes = Math.min(Math.ceil((job.n * pictureBytes(job) * 4) / 3), MAX_ANSWER_BYTES);
  const chunks: Uint8Array[] = [];
  let size = 0;
  return {
    push(chunk) {
      size += chunk.length;
      if (size > maxBytes) throw new Error("answer too large");
      chunks.push(chunk);
      return [];
    },
    end() {
      const { pictures, usage } = readAnswer(Buffer.concat(chunks, size).toString("utf8"));
      const events = pictures.slice(0, job.n).map((picture, index) => pictureEvent(index, picture, job, seed));
      return [...events, { type: "done", usage: readUsage(usage) }];
    },
    needs: 0,
    keepsWhole: maxBytes,
  };
}

/** A request in OpenAI's form; what is undefined is left out. */
export function postJson(body: Readonly<Record<string, unknown>>): NodeRequest {
  return {
    path: "/v1/images/generations",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body),
  };
}

/** What a server calls the parts that are files. */
export interface FileNames {
  readonly image: string;
  readonly mask: string;
}

/** An edit as a form: the texts that are defined, anything but text as JSON, and then the pictures. */
export function postEdit(
  job: EditJob,
  texts: Readonly<Record<string, unknown>>,
  { image, mask }: FileNames = { image: "image[]", mask: "mask" },
): NodeRequest {
  const fields: FormField[] = Object.entries(texts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ name, value: typeof value === "string" ? value : JSON.stringify(value) }));
  const files = job.images.map((picture) => ({ name: image, ...picture }));
  const masks = job.mask ? [{ name: mask, ...job.mask }] : [];
  for (const { name, bytes, format } of [...files, ...masks]) {
    fields.push({ name, value: bytes, mediaType: MEDIA_TYPES[format] });
  }
  const { contentType, body } = formBody(fields);
  return { path: "/v1/images/edits", headers: { "content-type": contentType, accept: "application/json" }, body };
}

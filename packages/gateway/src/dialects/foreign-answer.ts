import { errors, type GenerationEvent, type ImageJob, readWholeImage, seedOf } from "@atoma/contract";
import type { Attempt } from "./dialect.ts";
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

async function readText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw new Error("answer too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size).toString("utf8");
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

/**
 * The events of an answer in OpenAI's JSON: each picture's bytes with the format and size that its header tells, then
 * `done`. What comes beyond `n` is dropped. `seed` is that of the first picture, where the server was told one.
 */
export async function* foreignEvents(
  body: AsyncIterable<Uint8Array>,
  job: ImageJob,
  attempt: Attempt,
  seed: number | undefined,
): AsyncGenerator<GenerationEvent> {
  const inBase64 = Math.ceil((job.n * pictureBytes(job) * 4) / 3);
  const { pictures, usage } = readAnswer(await readText(body, Math.min(inBase64, MAX_ANSWER_BYTES)));
  for (const [index, picture] of pictures.slice(0, job.n).entries()) {
    const bytes =
      "url" in picture ? await attempt.fetchPicture(picture.url, pictureBytes(job)) : decodeBase64(picture.base64);
    yield imageEvent(index, bytes, seed);
  }
  yield { type: "done", usage: readUsage(usage) };
}

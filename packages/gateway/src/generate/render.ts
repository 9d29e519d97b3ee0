import { errors, usageOfPicture } from "@atoma/contract";
import type { FileStore } from "../files/file-store.ts";
import type { Answer, AnswerItem } from "./answer.ts";

/** A response body of known length whose base64 is made while it is sent. */
export interface RenderedBody {
  readonly length: number;
  readonly chunks: () => AsyncGenerator<string>;
}

export interface RenderContext {
  readonly files: FileStore;
  /** Origin of the URLs, as the client called it: `https://host`. */
  readonly origin: string;
}

type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
type Part = string | { readonly size: number; readonly bytes: () => Bytes | Promise<Bytes> };

/** A multiple of 3, so that slices encode without padding between them. */
const SLICE = 48 * 1024;

async function pictureOf(item: AnswerItem, files: FileStore): Promise<Exclude<Part, string>> {
  const { bytes } = item;
  if (bytes) return { size: bytes.length, bytes: () => [bytes] };
  const stored = item.file === undefined ? undefined : await files.get(item.file);
  if (!stored) throw errors.fileExpired();
  return { size: stored.size, bytes: () => stored.open() };
}

async function* base64(source: Bytes): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const bytes =
      rest.length > 0 ? Buffer.concat([rest, chunk]) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const whole = bytes.length - (bytes.length % 3);
    for (let at = 0; at < whole; at += SLICE) yield bytes.toString("base64", at, Math.min(at + SLICE, whole));
    rest = bytes.subarray(whole);
  }
  if (rest.length > 0) yield rest.toString("base64");
}

function rendered(parts: readonly Part[]): RenderedBody {
  const length = parts.reduce(
    (sum, part) => sum + (typeof part === "string" ? Buffer.byteLength(part) : 4 * Math.ceil(part.size / 3)),
    0,
  );
  return {
    length,
    async *chunks() {
      for (const part of parts) {
        if (typeof part === "string") yield part;
        else yield* base64(await part.bytes());
      }
    },
  };
}

/** A body between two texts. */
export function wrapped(before: string, body: RenderedBody, after: string): RenderedBody {
  return {
    length: Buffer.byteLength(before) + body.length + Buffer.byteLength(after),
    async *chunks() {
      yield before;
      yield* body.chunks();
      yield after;
    },
  };
}

export function fileUrl(origin: string, file: string): string {
  return `${origin}/v1/images/files/${file}`;
}

/** Step 5 for JSON: the body of `CreateImageResponse`. Throws ApiError 410 when a replayed picture has expired. */
export async function renderJson(answer: Answer, { files, origin }: RenderContext): Promise<RenderedBody> {
  const head = {
    created: answer.created,
    background: answer.background,
    output_format: answer.outputFormat,
    quality: answer.quality,
    size: answer.size,
    usage: answer.usage,
  };
  const parts: Part[] = [`${JSON.stringify(head).slice(0, -1)},"data":[`];
  for (const [i, item] of answer.items.entries()) {
    const fields: Record<string, unknown> = {};
    if (answer.responseFormat !== "b64_json" && item.file !== undefined) fields.url = fileUrl(origin, item.file);
    if (item.seed !== undefined) fields.seed = item.seed;
    const rest = JSON.stringify(fields).slice(1);
    if (i > 0) parts.push(",");
    if (answer.responseFormat === "url") {
      parts.push(`{${rest}`);
    } else {
      parts.push('{"b64_json":"', await pictureOf(item, files), rest === "}" ? '"}' : `",${rest}`);
    }
  }
  parts.push("]}");
  return rendered(parts);
}

/** What every picture event of a stream says beside the picture. */
function eventFields(answer: Omit<Answer, "items">) {
  return {
    created_at: answer.created,
    size: answer.size,
    quality: answer.quality,
    background: answer.background,
    output_format: answer.outputFormat,
  };
}

function event(type: string, fields: object, picture?: Part): RenderedBody {
  const json = JSON.stringify({ type, ...fields });
  const head = `event: ${type}\ndata: `;
  if (picture === undefined) return rendered([`${head}${json}\n\n`]);
  return rendered([`${head}${json.slice(0, -1)},"b64_json":"`, picture, '"}\n\n']);
}

const NO_USAGE = {
  total_tokens: 0,
  input_tokens: 0,
  output_tokens: 0,
  input_tokens_details: { text_tokens: 0, image_tokens: 0 },
};

export function renderPartial(answer: Omit<Answer, "items">, index: number, bytes: Uint8Array): RenderedBody {
  const picture = { size: bytes.length, bytes: () => [bytes] };
  return event(`${answer.operation}.partial_image`, { partial_image_index: index, ...eventFields(answer) }, picture);
}

export function renderProgress(
  operation: Answer["operation"],
  step: number,
  steps: number,
  createdAt: number,
): RenderedBody {
  return event(`${operation}.progress`, { step, steps, created_at: createdAt });
}

/** Step 5 for a stream: one `completed` event for each picture, with its share of the usage. */
export async function renderCompleted(answer: Answer, index: number, files: FileStore): Promise<RenderedBody> {
  const { items, usage } = answer;
  const item = items[index];
  if (!item) throw new RangeError(`there is no picture ${index}`);
  const share = usage ? usageOfPicture(usage, items.length, index) : NO_USAGE;
  const fields = { ...eventFields(answer), seed: item.seed, usage: share };
  return event(`${answer.operation}.completed`, fields, await pictureOf(item, files));
}

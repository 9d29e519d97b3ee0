import type { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { errors } from "@atoma/contract";

/** Where a picture's bytes come from: memory as long as they are there, and from then on a file. */
export interface PictureSource {
  readonly bytes: Uint8Array | undefined;
  open(from: number): Promise<Readable>;
}

/** A picture that goes into a body as base64. */
export interface PicturePart {
  readonly size: number;
  readonly source: PictureSource;
}

export type Part = string | PicturePart;

/** A response body of known length whose base64 is made while it is sent. */
export interface RenderedBody {
  readonly length: number;
  readonly parts: readonly Part[];
}

/** A multiple of 3, so that slices encode without padding between them: 64 KiB of base64. */
const SLICE = 48 * 1024;
/** Up to this length a body is one string. */
const SMALL_BYTES = 64 * 1024;

const lengthOf = (part: Part) => (typeof part === "string" ? Buffer.byteLength(part) : 4 * Math.ceil(part.size / 3));

export function rendered(parts: readonly Part[]): RenderedBody {
  let length = 0;
  for (const part of parts) length += lengthOf(part);
  return { length, parts };
}

const asBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array) => Buffer.from(buffer, byteOffset, byteLength);

/** The whole body, where it is small and all of it is at hand. */
export function smallText({ length, parts }: RenderedBody): string | undefined {
  if (length > SMALL_BYTES) return undefined;
  let text = "";
  for (const part of parts) {
    if (typeof part === "string") text += part;
    else if (part.source.bytes) text += asBuffer(part.source.bytes).toString("base64");
    else return undefined;
  }
  return text;
}

/** Resolves when the client has taken what was written; rejects with ApiError 499 when it leaves. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const onDrain = () => {
      response.off("close", onClose);
      resolve();
    };
    const onClose = () => {
      response.off("drain", onDrain);
      reject(errors.clientClosed());
    };
    response.once("drain", onDrain).once("close", onClose);
  });
}

/** Writes a text; a promise to wait for where the client is slow. */
function write(response: ServerResponse, text: string, encoding: BufferEncoding): Promise<void> | undefined {
  if (response.destroyed) throw errors.clientClosed();
  return response.write(text, encoding) ? undefined : drained(response);
}

/** Writes base64 of the part of a picture that is in memory, and the rest from its file when the memory was let go. */
async function writePicture(response: ServerResponse, { size, source }: PicturePart): Promise<void> {
  for (let at = 0; at < size; at += SLICE) {
    const { bytes } = source;
    if (!bytes) return writeFile(response, await source.open(at));
    const wait = write(response, asBuffer(bytes).toString("base64", at, at + SLICE), "latin1");
    if (wait) await wait;
  }
}

async function writeFile(response: ServerResponse, file: AsyncIterable<Uint8Array>): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  const send = (bytes: Buffer) => {
    const wait = write(response, bytes.toString("base64"), "latin1");
    return wait ?? Promise.resolve();
  };
  for await (const chunk of file) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : asBuffer(chunk);
    const whole = bytes.length - (bytes.length % 3);
    if (whole > 0) await send(bytes.subarray(0, whole));
    rest = bytes.subarray(whole);
  }
  if (rest.length > 0) await send(rest);
}

/** Writes a body no faster than the client reads it. Rejects with ApiError 499 when the client leaves. */
export async function writeBody(response: ServerResponse, { parts }: RenderedBody): Promise<void> {
  for (const part of parts) {
    if (typeof part === "string") {
      const wait = write(response, part, "utf8");
      if (wait) await wait;
    } else await writePicture(response, part);
  }
}

import type { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { errors } from "@atoma/contract";

/** A picture that goes into a body as base64: at hand, or in a file that is opened when it is its turn. */
export type PicturePart =
  | { readonly size: number; readonly bytes: Uint8Array }
  | { readonly size: number; readonly open: () => Promise<Readable> };

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
    else if ("bytes" in part) text += asBuffer(part.bytes).toString("base64");
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

async function writeBytes(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  const buffer = asBuffer(bytes);
  for (let at = 0; at < buffer.length; at += SLICE) {
    const wait = write(response, buffer.toString("base64", at, at + SLICE), "latin1");
    if (wait) await wait;
  }
}

async function writeFile(response: ServerResponse, file: AsyncIterable<Uint8Array>): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of file) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : asBuffer(chunk);
    const whole = bytes.length - (bytes.length % 3);
    await writeBytes(response, bytes.subarray(0, whole));
    rest = bytes.subarray(whole);
  }
  await writeBytes(response, rest);
}

/** Writes a body no faster than the client reads it. Rejects with ApiError 499 when the client leaves. */
export async function writeBody(response: ServerResponse, { parts }: RenderedBody): Promise<void> {
  for (const part of parts) {
    if (typeof part === "string") {
      const wait = write(response, part, "utf8");
      if (wait) await wait;
    } else if ("bytes" in part) await writeBytes(response, part.bytes);
    else await writeFile(response, await part.open());
  }
}

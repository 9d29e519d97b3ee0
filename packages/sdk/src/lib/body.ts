import { ConnectionError } from "../models/errors/connectionerror.ts";
import { UnexpectedClientError } from "../models/errors/unexpectedclienterror.ts";
import type { Bytes } from "../types/bytes.ts";
import type { Deadline } from "./deadline.ts";

/** What of an error's body is kept, characters. */
export const ERROR_BODY_LENGTH = 65_536;
/** What of an error's body is read, so that its connection can serve the next request, bytes. */
const DRAIN_BYTES = 1_048_576;
const DRAIN_MS = 2_000;

/**
 * Reads a whole body.
 * @throws ConnectionError when it breaks off, UnexpectedClientError when it is larger than `maxBytes`
 */
export async function readBody(response: Response, deadline: Deadline, maxBytes: number): Promise<Response | Blob> {
  const { headers } = response;
  const length = Number(headers.get("content-length") ?? Number.NaN);
  // fetch reads no more than content-length says, in the fastest way it has.
  if (length <= maxBytes && !headers.has("content-encoding")) return response;
  const chunks: Bytes[] = [];
  if (length > maxBytes || !(await whole(pump(response.body?.getReader(), deadline, maxBytes, chunks), deadline))) {
    const error = new UnexpectedClientError(`The answer is larger than maxResponseBytes, ${maxBytes} bytes`);
    deadline.abort(error);
    throw error;
  }
  return new Blob(chunks);
}

/** Reads what is worth keeping of an error's body, in bounded time, and leaves the connection usable if it can. */
export async function readErrorBody(response: Response, deadline: Deadline): Promise<string> {
  const chunks: Bytes[] = [];
  const reader = response.body?.getReader();
  const timer = setTimeout(() => cancel(reader), DRAIN_MS); // which also ends a read that is waiting
  // A body that breaks off still says what it said before.
  await pump(reader, deadline, DRAIN_BYTES, chunks).catch(() => {});
  clearTimeout(timer);
  return (await new Blob(chunks).text()).slice(0, ERROR_BODY_LENGTH);
}

/** Moves a body to `chunks`. False when there is more of it than `maxBytes`: then the connection is closed. */
async function pump(
  reader: ReadableStreamDefaultReader<Bytes> | undefined,
  deadline: Deadline,
  maxBytes: number,
  chunks: Bytes[],
): Promise<boolean> {
  try {
    for (let size = 0; reader; ) {
      const { value, done } = await deadline.race(reader.read());
      if (done) break;
      size += value.length;
      if (size > maxBytes) return false;
      chunks.push(value);
    }
    return true;
  } finally {
    cancel(reader);
  }
}

/** Closes a body that may be read, broken or neither. */
export function cancel(body: { cancel(): Promise<void> } | null | undefined): void {
  body?.cancel().catch(() => {}); // it was broken before; nothing is left to close
}

/** Whatever a broken body rejects with, a broken body is a lost connection. */
export async function whole<T>(read: Promise<T>, deadline: Deadline): Promise<T> {
  try {
    return await deadline.race(read);
  } catch (cause) {
    throw deadline.signal.aborted
      ? deadline.signal.reason
      : new ConnectionError("The connection was lost before the end of the answer", { cause });
  }
}

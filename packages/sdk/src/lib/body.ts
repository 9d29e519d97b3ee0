import { ConnectionError } from "../models/errors/connectionerror.ts";
import { UnexpectedClientError } from "../models/errors/unexpectedclienterror.ts";
import type { Bytes } from "../types/bytes.ts";
import type { Attempt } from "./attempt.ts";
import { startDeadline } from "./deadline.ts";

const DEFAULT_MAX_BYTES = 268_435_456;
/** What of an error's body is read, so that its connection can serve the next request, bytes. */
const DRAIN_BYTES = 1_048_576;
/** How long that may take, ms. */
export const DRAIN_MS = 2_000;

/**
 * Reads a whole body.
 * @throws UnexpectedClientError when it is larger than `maxResponseBytes`, ConnectionError when it breaks off
 */
export async function readBody(response: Response, attempt: Attempt): Promise<ArrayBuffer> {
  const { headers, body } = response;
  const length = Number(headers.get("content-length") ?? Number.NaN); // NaN, where it is unknown, is neither ≤ nor > anything
  const maxBytes = maxResponseBytes(attempt);
  // fetch reads no more than content-length says, in the fastest way it has.
  if (length <= maxBytes && !headers.has("content-encoding")) return response.arrayBuffer().catch(breakOff);
  const chunks: Bytes[] = [];
  if (length > maxBytes || !(await pump(body, attempt.deadline.signal, maxBytes, chunks).catch(breakOff))) {
    cancel(body);
    throw new UnexpectedClientError(`The answer is larger than maxResponseBytes, ${maxBytes} bytes`);
  }
  return new Blob(chunks).arrayBuffer();
}

/** For the rejection of what reads a body. Whatever a broken body rejects with, the connection was lost. */
export function breakOff(cause: unknown): never {
  throw new ConnectionError("The connection was lost before the end of the answer", { cause });
}

/** The largest answer to read. */
export function maxResponseBytes({ client, options }: Attempt): number {
  return options.maxResponseBytes ?? client._options.maxResponseBytes ?? DEFAULT_MAX_BYTES;
}

/** Reads what is worth keeping of an error's body, in bounded time, and leaves the connection usable if it can. */
export async function readErrorBody(response: Response, { client, deadline }: Attempt): Promise<string> {
  const chunks: Bytes[] = [];
  const drain = startDeadline(client._clock, DRAIN_MS, [deadline.signal]);
  // A body that breaks off still says what it said before.
  await pump(response.body, drain.signal, DRAIN_BYTES, chunks).catch(() => {});
  drain.close();
  return new Blob(chunks).text();
}

/** Moves a body to `chunks`, until the signal. False when there is more of it than `maxBytes`: then it is closed. */
async function pump(body: Response["body"], signal: AbortSignal, maxBytes: number, chunks: Bytes[]): Promise<boolean> {
  const reader = body?.getReader();
  const stop = () => cancel(reader);
  signal.addEventListener("abort", stop);
  try {
    for (let size = 0; reader; ) {
      const { value, done } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > maxBytes) return false;
      chunks.push(value);
    }
    return true;
  } finally {
    signal.removeEventListener("abort", stop); // fetch may hold on to the signal, which must not hold on to the body
    stop();
  }
}

/** Closes a body that may be read, broken or neither. */
export function cancel(body: { cancel(): Promise<void> } | null | undefined): void {
  body?.cancel().catch(() => {}); // it was broken before; nothing is left to close
}

import { RequestTimeoutError } from "../models/errors/requesttimeouterror.ts";
import { UnexpectedClientError } from "../models/errors/unexpectedclienterror.ts";
import { breakOff, cancel } from "./body.ts";
import type { Clock } from "./clock.ts";
import { type Deadline, isTimer } from "./deadline.ts";
import { type ServerSentEvent, SSEParser } from "./sse.ts";

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/**
 * The events of a body as they come.
 * @param idleMs longest silence; 0 for no limit
 * @param maxBytes largest event
 * @throws RequestTimeoutError after too long a silence, UnexpectedClientError for too large an event, ConnectionError when the
 * body breaks off; what the deadline ends with
 */
export async function* readEvents(
  reader: Reader,
  { signal, abort }: Deadline,
  clock: Clock,
  idleMs: number,
  maxBytes: number,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const parser = new SSEParser();
  const silent = () => abort(new RequestTimeoutError(`The stream was silent for ${idleMs} ms`));
  // A reader that is cancelled is done at once, also where the body does not listen to the signal.
  const stop = () => cancel(reader);
  signal.addEventListener("abort", stop);
  try {
    for (;;) {
      signal.throwIfAborted();
      const timer = isTimer(idleMs) ? clock.setTimeout(silent, idleMs) : undefined;
      const { value, done } = await reader
        .read()
        .catch(breakOff)
        .finally(() => clock.clearTimeout(timer));
      if (done) break;
      yield* parser.push(value);
      if (parser.pending > maxBytes) {
        throw new UnexpectedClientError(`An event is larger than maxResponseBytes, ${maxBytes} bytes`);
      }
    }
    signal.throwIfAborted();
    yield* parser.end();
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

import { RequestTimeoutError } from "../models/errors/requesttimeouterror.ts";
import { UnexpectedClientError } from "../models/errors/unexpectedclienterror.ts";
import { whole } from "./body.ts";
import { type Deadline, isTimer } from "./deadline.ts";
import { type ServerSentEvent, SSEParser } from "./sse.ts";

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/**
 * The events of a body as they come.
 * @param idleMs longest silence; 0 for no limit
 * @param maxLength largest event, characters
 * @throws RequestTimeoutError after too long a silence, ConnectionError when the connection breaks,
 * UnexpectedClientError for too large an event
 */
export async function* readEvents(
  reader: Reader,
  deadline: Deadline,
  idleMs: number,
  maxLength: number,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const parser = new SSEParser();
  for (;;) {
    const { value, done } = await whole(readWithin(reader, deadline, idleMs), deadline);
    if (done) break;
    yield* parser.push(value);
    if (parser.pending > maxLength) {
      throw new UnexpectedClientError(`An event is larger than maxResponseBytes, ${maxLength} bytes`);
    }
  }
  yield* parser.end();
}

async function readWithin(reader: Reader, deadline: Deadline, idleMs: number) {
  const silent = () => deadline.abort(new RequestTimeoutError(`The stream was silent for ${idleMs} ms`));
  const timer = isTimer(idleMs) ? setTimeout(silent, idleMs) : undefined;
  try {
    return await reader.read();
  } finally {
    clearTimeout(timer);
  }
}

import { InvalidRequestError } from "../models/errors/invalidrequesterror.ts";
import { APIPromise } from "../types/async.ts";

/** Events as they come, to be iterated over once. Leaving the loop closes the connection. */
export class EventStream<E> implements AsyncIterable<E> {
  readonly #cancel: () => Promise<void>;
  #events: AsyncGenerator<E, void, undefined> | undefined;

  constructor(events: AsyncGenerator<E, void, undefined>, cancel: () => Promise<void>) {
    this.#events = events;
    this.#cancel = cancel;
  }

  /** @throws InvalidRequestError the second time */
  [Symbol.asyncIterator](): AsyncGenerator<E, void, undefined> {
    const events = this.#events;
    if (!events) throw new InvalidRequestError("A stream can be iterated over only once");
    this.#events = undefined;
    const end = events.return.bind(events);
    // A generator that was never started would end without closing anything.
    events.return = async (value) => {
      await this.#cancel();
      return end(value);
    };
    return events;
  }

  /** Closes the connection; a loop that is waiting for the next event ends with a RequestAbortedError. */
  cancel(): Promise<void> {
    return this.#cancel();
  }
}

/** The promise of a stream that can be iterated over without awaiting it first. */
export class EventStreamPromise<E> extends APIPromise<EventStream<E>> implements AsyncIterable<E> {
  [Symbol.asyncIterator](): AsyncGenerator<E, void, undefined> {
    // Who leaves before the first event does not ask why there is none.
    const cancel = () => this.then((stream) => stream.cancel()).catch(() => {});
    return new EventStream(relay(this), cancel)[Symbol.asyncIterator]();
  }
}

async function* relay<E>(stream: Promise<EventStream<E>>): AsyncGenerator<E, void, undefined> {
  yield* await stream;
}

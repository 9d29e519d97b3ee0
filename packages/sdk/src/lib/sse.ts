/** One event of a stream: its name, if it has one, and its data lines joined. */
export interface ServerSentEvent {
  event: string | undefined;
  data: string;
  /** False for a last event that the stream ended within. */
  isTerminated: boolean;
}

const LF = 10;
const CR = 13;

/**
 * Splits a text/event-stream into events (https://html.spec.whatwg.org/multipage/server-sent-events.html). It takes chunks cut
 * anywhere; comments and fields other than `event` and `data` are passed over.
 *
 * Lines are found in the bytes, and a line is put together and decoded only when its end has come, so that each byte of a
 * picture is copied once and becomes text once.
 */
export class SSEParser {
  readonly #decoder = new TextDecoder();
  /** Beginning of a line whose end has not come yet, in memory that serves all the lines of the stream. */
  #held = new Uint8Array();
  #heldLength = 0;
  #endsInCR = false;
  #event: string | undefined;
  #data: string[] = [];
  /** Bytes that are held for an event that is not complete. */
  pending = 0;

  /** The events that `chunk` completes. */
  *push(chunk: Uint8Array): Generator<ServerSentEvent> {
    if (chunk.length === 0) return;
    let from = this.#endsInCR && chunk[0] === LF ? 1 : 0;
    this.#endsInCR = chunk.at(-1) === CR;
    this.pending += chunk.length;
    let feed = find(chunk, LF, from);
    let carriage = find(chunk, CR, from);
    for (let end = Math.min(feed, carriage); end < chunk.length; end = Math.min(feed, carriage)) {
      const event = this.#line(chunk.subarray(from, end));
      from = end + 1;
      if (end === carriage && chunk[from] === LF) from++;
      if (carriage < from) carriage = find(chunk, CR, from);
      if (feed < from) feed = find(chunk, LF, from);
      if (this.#data.length === 0) this.pending = chunk.length - from;
      if (event) yield event;
    }
    this.#hold(chunk.subarray(from));
  }

  /** What is left when the stream has ended. */
  *end(): Generator<ServerSentEvent> {
    if (this.#heldLength > 0) this.#line(new Uint8Array());
    const event = this.#dispatch(false);
    if (event) yield event;
  }

  /** Takes the end of a line in; gives an event when the line is empty. */
  #line(tail: Uint8Array): ServerSentEvent | undefined {
    let bytes = tail;
    if (this.#heldLength > 0) {
      this.#hold(tail);
      bytes = this.#held.subarray(0, this.#heldLength);
      this.#heldLength = 0;
    }
    if (bytes.length === 0) return this.#dispatch(true);
    const line = this.#decoder.decode(bytes);
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#event = value;
    return undefined;
  }

  #hold(bytes: Uint8Array): void {
    const length = this.#heldLength + bytes.length;
    if (length > this.#held.length) {
      const larger = new Uint8Array(Math.max(length, 4 * this.#held.length));
      larger.set(this.#held);
      this.#held = larger;
    }
    this.#held.set(bytes, this.#heldLength);
    this.#heldLength = length;
  }

  #dispatch(isTerminated: boolean): ServerSentEvent | undefined {
    const lines = this.#data;
    const event = this.#event;
    this.#data = [];
    this.#event = undefined;
    if (lines.length === 0) return undefined;
    return { event, data: lines.length === 1 ? (lines[0] ?? "") : lines.join("\n"), isTerminated };
  }
}

interface Searcher {
  prototype: { indexOf(this: Uint8Array, byte: number, from: number): number };
}

/** Where a byte is next, or the length where it is no more. */
function find(bytes: Uint8Array, byte: number, from: number): number {
  // Buffer looks for a byte ten times as fast as Uint8Array does; nothing declares it here.
  const { indexOf } = ((globalThis as { Buffer?: Searcher }).Buffer ?? Uint8Array).prototype;
  const at = indexOf.call(bytes, byte, from);
  return at < 0 ? bytes.length : at;
}

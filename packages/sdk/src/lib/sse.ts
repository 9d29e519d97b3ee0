/** One event of a stream: its name, if it has one, and its data lines joined. */
export interface ServerSentEvent {
  event: string | undefined;
  data: string;
  /** False for a last event that the stream ended within. */
  isTerminated: boolean;
}

/**
 * Splits a text/event-stream into events (https://html.spec.whatwg.org/multipage/server-sent-events.html). It takes chunks cut
 * anywhere; comments and fields other than `event` and `data` are passed over.
 *
 * A line is assembled only when its end has come: looking for it again and again in a growing string would make a picture
 * of 24 MB cost gigabytes of scanning.
 */
export class SSEParser {
  readonly #decoder = new TextDecoder();
  /** Beginning of a line whose end has not come yet. */
  #pieces: string[] = [];
  #endsInCR = false;
  #event: string | undefined;
  #data: string[] = [];
  /** Characters that are held for an event that is not complete. */
  pending = 0;

  /** The events that `chunk` completes. */
  *push(chunk: Uint8Array): Generator<ServerSentEvent> {
    yield* this.#take(this.#decoder.decode(chunk, { stream: true }));
  }

  /** What is left when the stream has ended. */
  *end(): Generator<ServerSentEvent> {
    yield* this.#take(this.#decoder.decode());
    if (this.#pieces.length > 0) this.#line(this.#pieces.join(""));
    this.#pieces = [];
    const event = this.#dispatch(false);
    if (event) yield event;
  }

  *#take(text: string): Generator<ServerSentEvent> {
    let rest = text;
    if (this.#endsInCR && rest.startsWith("\n")) rest = rest.slice(1);
    if (rest) this.#endsInCR = rest.endsWith("\r");
    if (rest.includes("\r")) rest = rest.replace(/\r\n?/g, "\n");
    this.pending += rest.length;
    let from = 0;
    for (let at = rest.indexOf("\n"); at >= 0; at = rest.indexOf("\n", from)) {
      const tail = rest.slice(from, at);
      from = at + 1;
      const line = this.#pieces.length > 0 ? this.#pieces.join("") + tail : tail;
      this.#pieces = [];
      if (line === "") {
        const event = this.#dispatch(true);
        this.pending = rest.length - from;
        if (event) yield event;
      } else this.#line(line);
    }
    if (from < rest.length) this.#pieces.push(rest.slice(from));
  }

  #line(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#event = value;
    else if (colon === 0 && this.#data.length === 0) this.pending = 0; // a comment is not held
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

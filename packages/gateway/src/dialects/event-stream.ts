import { CutOffError } from "./dialect.ts";

/** Takes a stream of server-sent events apart. */
export interface EventStreamReader {
  /** The data of each event that is whole with these bytes, to be read to the end. */
  push(chunk: Uint8Array): Iterable<string>;
  /** Throws CutOffError within an event. */
  end(): void;
}

/**
 * Reads the data of each event of a stream (https://html.spec.whatwg.org/multipage/server-sent-events.html), up to its end or
 * `[DONE]`; names, ids and comments are left out. By hand, because `eventsource-parser` does not tell whether the stream ended
 * within an event, and then it is not known what was made. Throws when an event has more than `maxBytes`.
 */
export function eventStreamReader(maxBytes: number): EventStreamReader {
  const decoder = new TextDecoder();
  let rest = "";
  /** Where in `rest` a line may end that has not been looked for yet. */
  let from = 0;
  let data: string[] = [];
  let size = 0;
  let done = false;
  return {
    *push(chunk) {
      if (done) return;
      rest += decoder.decode(chunk, { stream: true });
      for (let end = rest.indexOf("\n", from); end >= 0; end = rest.indexOf("\n")) {
        const line = rest.slice(0, rest[end - 1] === "\r" ? end - 1 : end);
        rest = rest.slice(end + 1);
        if (line.startsWith("data:")) {
          data.push(line.slice(line[5] === " " ? 6 : 5));
          size += line.length;
        } else if (line === "" && data.length > 0) {
          const text = data.join("\n");
          data = [];
          size = 0;
          done = text === "[DONE]";
          if (done) return;
          yield text;
        }
      }
      from = rest.length;
      if (size + rest.length > maxBytes) throw new Error("event too large");
    },
    end() {
      if (!done && (data.length > 0 || rest.trim() !== "")) throw new CutOffError("the stream ended within an event");
    },
  };
}

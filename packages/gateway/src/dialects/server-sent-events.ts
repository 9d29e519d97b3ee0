import { CutOffError } from "./dialect.ts";

/**
 * The data of each event of a stream (https://html.spec.whatwg.org/multipage/server-sent-events.html), up to its end or
 * `[DONE]`; names, ids and comments are left out. By hand, because `eventsource-parser` does not tell whether the stream ended
 * within an event, and then nobody knows what was made. Throws when an event has more than `maxBytes`, or the stream ends within one.
 */
export async function* serverSentEvents(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  /** Where in `rest` a line may end that has not been looked for yet. */
  let from = 0;
  let data: string[] = [];
  let size = 0;
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    for (let end = rest.indexOf("\n", from); end >= 0; end = rest.indexOf("\n")) {
      const line = rest.slice(0, rest[end - 1] === "\r" ? end - 1 : end);
      rest = rest.slice(end + 1);
      if (line.startsWith("data:")) {
        data.push(line.slice(line[5] === " " ? 6 : 5));
        size += line.length;
      } else if (line === "" && data.length > 0) {
        const text = data.join("\n");
        if (text === "[DONE]") return;
        yield text;
        data = [];
        size = 0;
      }
    }
    from = rest.length;
    if (size + rest.length > maxBytes) throw new Error("event too large");
  }
  if (data.length > 0 || rest.trim() !== "") throw new CutOffError("the stream ended within an event");
}

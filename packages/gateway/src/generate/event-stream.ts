import type { ServerResponse } from "node:http";
import { type ApiError, errors } from "@atoma/contract";
import { type Clock, every } from "../clock.ts";
import { type RenderedBody, smallText, writeBody } from "./rendered-body.ts";

/** Comments keep proxies and clients from giving up on a quiet stream. */
const KEEP_ALIVE_MS = 15_000;

export const EVENT_STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/** Server-sent events on a response that begins with the first thing sent, so that failures before it stay HTTP errors. */
export interface EventStream extends Disposable {
  /** Resolves when there is room for more; rejects with ApiError 499 when the client leaves. */
  send(event: RenderedBody): Promise<void>;
  end(): void;
}

/** Tells of a failure after the stream began, and ends it. */
export function failStream(response: ServerResponse, error: ApiError): void {
  const data = JSON.stringify({ type: "error", ...error.envelope() });
  response.end(`event: error\ndata: ${data}\n\n`);
}

/** `begin` writes the response's head; it is called once, when the stream begins. */
export function openEventStream(response: ServerResponse, begin: () => void, clock: Clock): EventStream {
  let begun = false;
  let sending = false;
  const beginOnce = () => {
    if (!begun) begin();
    begun = true;
  };
  const stop = every(clock, KEEP_ALIVE_MS, () => {
    if (response.destroyed) return;
    beginOnce();
    // A comment between two events, never within one.
    if (!sending && !response.writableNeedDrain) response.write(": keep-alive\n\n");
  });

  return {
    async send(event) {
      if (response.destroyed) throw errors.clientClosed();
      beginOnce();
      sending = true;
      try {
        const text = smallText(event);
        await writeBody(response, text === undefined ? event : { length: event.length, parts: [text] });
      } finally {
        sending = false;
      }
    },
    end() {
      stop();
      response.end();
    },
    [Symbol.dispose]: stop,
  };
}

import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { ApiError } from "@atoma/contract";
import type { RenderedBody } from "./render.ts";

/** Comments keep proxies and clients from giving up on a quiet stream. */
const KEEP_ALIVE_MS = 15_000;

/** Server-sent events on a response that begins with the first thing sent, so that failures before it stay HTTP errors. */
export interface EventStream extends Disposable {
  readonly begun: boolean;
  send(event: RenderedBody): Promise<void>;
  /** Tells of a failure after the stream began, and ends it. */
  fail(error: ApiError): void;
  end(): void;
}

async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  try {
    await once(response, "drain", { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** Waits for slow readers; rejects with the signal's reason when they leave. */
export function openEventStream(
  response: ServerResponse,
  /** Called once, when the stream begins; gives the headers that the answer has besides those of a stream. */
  onBegin: () => Record<string, string>,
  signal: AbortSignal,
): EventStream {
  let begun = false;
  let sending = false;
  const begin = () => {
    if (begun) return;
    begun = true;
    response.writeHead(200, {
      ...onBegin(),
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
    });
  };
  const timer = setInterval(() => {
    begin();
    // A comment between two events, never within one.
    if (!sending && !response.writableNeedDrain) response.write(": keep-alive\n\n");
  }, KEEP_ALIVE_MS);

  return {
    get begun() {
      return begun;
    },
    async send(event) {
      begin();
      sending = true;
      try {
        for await (const chunk of event.chunks()) {
          signal.throwIfAborted();
          if (!response.write(chunk)) await drained(response, signal);
        }
      } finally {
        sending = false;
      }
    },
    fail(error) {
      const data = JSON.stringify({ type: "error", ...error.envelope() });
      response.end(`event: error\ndata: ${data}\n\n`);
    },
    end() {
      response.end();
    },
    [Symbol.dispose]() {
      clearInterval(timer);
    },
  };
}

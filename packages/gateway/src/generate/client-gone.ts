import type { ServerResponse } from "node:http";
import { errors } from "@atoma/contract";

/** Aborts when the client leaves before its answer is complete, or at the deadline; the reason is the ApiError. */
export interface Departure extends Disposable {
  readonly signal: AbortSignal;
  /** The work is done: the deadline no longer counts, only whether the client is still there. */
  finished(): void;
}

/**
 * Watches the connection of a response. Its `close` event is the only one that tells in time: bodies that are piped or
 * awaited notice a lost client only when they next write.
 */
export function watchDeparture(response: ServerResponse, timeoutMs: number): Departure {
  const controller = new AbortController();
  const onClose = () => {
    if (!response.writableFinished) controller.abort(errors.clientClosed());
  };
  response.once("close", onClose);
  const timer = setTimeout(() => controller.abort(errors.generationTimeout()), timeoutMs);
  if (response.destroyed) onClose();
  return {
    signal: controller.signal,
    finished: () => clearTimeout(timer),
    [Symbol.dispose]() {
      clearTimeout(timer);
      response.off("close", onClose);
    },
  };
}

import type { ServerResponse } from "node:http";
import { errors } from "@atoma/contract";
import type { Timers } from "../timers.ts";

/** How long an answer may go on leaving after its deadline: a caller that does not read holds a connection no longer. */
const LEAVE_MS = 30_000;

/**
 * A signal for the work behind one response: aborted with ApiError 499 when the caller leaves before the response is
 * finished, with 504 after `timeoutMs`; `leaveMs` later the connection is cut. Listening to the response, not the request, sees a caller leave at any time.
 */
export function requestController(
  response: ServerResponse,
  timeoutMs: number,
  { setTimeout, clearTimeout }: Timers,
  leaveMs = LEAVE_MS,
): AbortController {
  const controller = new AbortController();
  let timer = setTimeout(() => {
    timer = setTimeout(() => response.destroy(), leaveMs);
    controller.abort(errors.generationTimeout());
  }, timeoutMs);
  response.once("close", () => {
    clearTimeout(timer);
    if (!response.writableFinished) controller.abort(errors.clientClosed());
  });
  if (response.destroyed) controller.abort(errors.clientClosed());
  return controller;
}

import { RequestTimeoutError } from "../models/errors/requesttimeouterror.ts";
import type { Clock } from "./clock.ts";

/** The point in time and the signals that end a call, or one attempt of it. */
export interface Deadline {
  /** Its reason is the error that the call ends with. */
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /**
   * Settles like `work`, or rejects as soon as the deadline passes, even if `work` does not listen to the signal. For one
   * piece of work at a time.
   */
  race<T>(work: Promise<T>): Promise<T>;
  /** Stops the timer; the signals still count. */
  disarm(): void;
  /** Stops the timer and leaves no listener behind. */
  close(): void;
}

/**
 * Starts a deadline that passes after `timeoutMs`, or when one of `sources` is aborted.
 *
 * Own timer and own controller: on Node 20 `AbortSignal.any([AbortSignal.timeout(ms), …])` can be collected as garbage
 * before it fires.
 * @param toError what the call ends with when a source is aborted, made from its reason; not a closure over the call
 */
export function startDeadline(
  clock: Clock,
  timeoutMs: number | undefined,
  sources: readonly (AbortSignal | null | undefined)[],
  toError: (reason: unknown) => unknown = (reason) => reason,
): Deadline {
  const controller = new AbortController();
  const { signal } = controller;
  // Node's fetch holds on to the signal for as long as the answer is in memory, so that nothing may lead from it to the answer.
  let interrupt: ((reason: unknown) => void) | undefined;
  const abort = (reason: unknown) => {
    controller.abort(reason);
    interrupt?.(signal.reason);
  };
  const follow = () => {
    const source = sources.find((one) => one?.aborted);
    if (source) abort(toError(source.reason));
  };
  for (const source of sources) source?.addEventListener("abort", follow);
  follow();
  const expire = () => abort(new RequestTimeoutError(`No complete answer within ${timeoutMs} ms`));
  const timer = isTimer(timeoutMs) ? clock.setTimeout(expire, timeoutMs) : undefined;
  const disarm = () => {
    clock.clearTimeout(timer);
    interrupt = undefined;
  };
  return {
    signal,
    abort,
    race: (work) =>
      new Promise((resolve, reject) => {
        interrupt = reject;
        work.then(resolve, reject);
      }),
    disarm,
    close() {
      disarm();
      for (const source of sources) source?.removeEventListener("abort", follow);
    },
  };
}

/** False for what is no length of time, or longer than timers take: such a deadline is none. */
export function isTimer(ms: number | undefined): ms is number {
  return Number(ms) > 0 && Number(ms) < 2 ** 31;
}

import { RequestAbortedError } from "../models/errors/requestabortederror.ts";
import { RequestTimeoutError } from "../models/errors/requesttimeouterror.ts";

/** The point in time and the signals that end a call, or one attempt of it. */
export interface Deadline {
  /** Its reason is the error that the call ends with. */
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Settles like `work`, or rejects as soon as the deadline has passed, even if `work` does not listen to the signal. */
  race<T>(work: Promise<T>): Promise<T>;
  /** Waits `ms`, or rejects as soon as the deadline has passed. */
  sleep(ms: number): Promise<void>;
  /** Stops the timer; the signals of the caller still count. */
  disarm(): void;
  /** Stops the timer and leaves no listener behind. */
  close(): void;
}

/**
 * Starts a deadline that passes after `timeoutMs`, or when one of `signals` is aborted.
 *
 * Own timer and own controller: on Node 20 `AbortSignal.any([AbortSignal.timeout(ms), …])` can be collected as garbage
 * before it fires.
 */
export function startDeadline(
  timeoutMs: number | undefined,
  signals: readonly (AbortSignal | null | undefined)[],
  reasonOf = (signal: AbortSignal): unknown =>
    new RequestAbortedError("The request was aborted by the caller", { cause: signal.reason }),
): Deadline {
  const controller = new AbortController();
  const { signal } = controller;
  const abort = (reason: unknown) => controller.abort(reason);
  // Not Promise.race with one promise for the end: that promise would hold on to everything that ever raced with it.
  const waiting = new Set<(reason: unknown) => void>();
  signal.addEventListener("abort", () => {
    for (const reject of waiting) reject(signal.reason);
  });
  const forgetters = signals.map((source) => source && whenAborted(source, () => abort(reasonOf(source))));
  const expire = () => abort(new RequestTimeoutError(`No complete answer within ${timeoutMs} ms`));
  const timer = isTimer(timeoutMs) ? setTimeout(expire, timeoutMs) : undefined;

  const deadline: Deadline = {
    signal,
    abort,
    race: (work) =>
      new Promise((resolve, reject) => {
        const settle = <T>(how: (outcome: T) => void) => {
          return (outcome: T) => {
            waiting.delete(reject);
            how(outcome);
          };
        };
        work.then(settle(resolve), settle(reject));
        if (signal.aborted) reject(signal.reason);
        else waiting.add(reject);
      }),
    async sleep(ms) {
      let wake: ReturnType<typeof setTimeout> | undefined;
      const pause = new Promise<void>((resolve) => {
        wake = setTimeout(resolve, ms);
      });
      try {
        await deadline.race(pause);
      } finally {
        clearTimeout(wake);
      }
    },
    disarm: () => clearTimeout(timer),
    close() {
      clearTimeout(timer);
      for (const forget of forgetters) forget?.();
    },
  };
  return deadline;
}

/** False for what is no length of time, or longer than timers take: such a deadline is none. */
export function isTimer(ms: number | undefined): boolean {
  return Number(ms) > 0 && Number(ms) < 2 ** 31;
}

/** Calls `listener` when the signal is aborted, or at once if it is. What it returns takes the listener away. */
function whenAborted(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) listener();
  signal.addEventListener("abort", listener);
  return () => signal.removeEventListener("abort", listener);
}

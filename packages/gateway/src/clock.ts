/** A timer that was set; what it is, the clock knows. */
export type Timer = object;

/** Time as an argument: what reads the time or waits gets one, so that tests turn it by hand. All times are in ms. */
export interface Clock {
  /** Since the epoch. May step, as when the system's clock is set: for what is stored, or compared between machines. */
  now(): number;
  /** Since some moment before; never steps: for durations within this process. */
  monotonic(): number;
  setTimeout(callback: () => void, ms: number): Timer;
  /** A second time, or after it has gone off, changes nothing. */
  clearTimeout(timer: Timer | undefined): void;
}

/** The system's. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms).unref(),
  // Made by the function above.
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout | undefined),
};

/** Resolves after `ms`; rejects with the signal's reason if that comes first. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      clock.clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Calls `work` every `ms`, the first time after that long. Gives what stops it. */
export function every(clock: Clock, ms: number, work: () => void): () => void {
  let timer: Timer;
  const again = () => {
    timer = clock.setTimeout(() => {
      again();
      work();
    }, ms);
  };
  again();
  return () => clock.clearTimeout(timer);
}

/** A signal that aborts after `ms`, with `reason` as its reason. Disposed of, it never does. */
export function deadline(clock: Clock, ms: number, reason: () => Error): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const timer = clock.setTimeout(() => controller.abort(reason()), ms);
  return { signal: controller.signal, [Symbol.dispose]: () => clock.clearTimeout(timer) };
}

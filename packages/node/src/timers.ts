/** A timer that was set; what it is, the timers know. */
export type Timer = object;

/** Waiting as an argument, so that tests turn it by hand. */
export interface Timers {
  setTimeout(callback: () => void, ms: number): Timer;
  /** A second time, or after it has gone off, changes nothing. */
  clearTimeout(timer: Timer | undefined): void;
}

/** The system's. They do not keep the process alive. */
export const systemTimers: Timers = {
  setTimeout: (callback, ms) => setTimeout(callback, ms).unref(),
  // Made by the function above.
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout | undefined),
};

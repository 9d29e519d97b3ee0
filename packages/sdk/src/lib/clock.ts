/** The time and the timers of a client. Tests have a clock of their own. */
export interface Clock {
  /** Milliseconds since the epoch. Never goes back. */
  now(): number;
  setTimeout(callback: () => void, ms: number): unknown;
  /** @param timer as `setTimeout` gave it */
  clearTimeout(timer: unknown): void;
}

/** The platform's. Its functions are looked up at each call, for test frameworks put others in their place. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>), // what setTimeout above gave
};

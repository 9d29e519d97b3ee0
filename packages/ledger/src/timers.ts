/** Time for deadlines and pauses, apart from the clock that the ledger writes down. */
export interface Timers {
  /** Milliseconds since any moment; never goes back. */
  now(): number;
  setTimeout(callback: () => void, ms: number): NodeJS.Timeout;
  clearTimeout(timer: NodeJS.Timeout | undefined): void;
}

export const systemTimers: Timers = { now: () => performance.now(), setTimeout, clearTimeout };

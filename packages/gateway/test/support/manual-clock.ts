import type { Clock } from "../../src/clock.ts";

/** A clock that stands still until it is turned. */
export interface ManualClock extends Clock {
  /** Turns it by so many ms; what is due on the way goes off at its time, in order, with a turn of the event loop behind it. */
  advance(ms: number): Promise<void>;
  /** Sets the time of day, as an operator does; timers and durations do not notice. */
  step(ms: number): void;
  /** Timers that are set. */
  readonly pending: number;
}

const START = Date.UTC(2026, 0, 1);

export function manualClock(start = START): ManualClock {
  const timers = new Map<object, { readonly at: number; readonly callback: () => void }>();
  let elapsed = 0;
  let offset = start;
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

  function nextDue(until: number) {
    let due: [object, { readonly at: number; readonly callback: () => void }] | undefined;
    for (const entry of timers) if (entry[1].at <= until && (!due || entry[1].at < due[1].at)) due = entry;
    return due;
  }

  return {
    now: () => Math.floor(offset + elapsed),
    monotonic: () => elapsed,
    setTimeout(callback, ms) {
      const timer = {};
      timers.set(timer, { at: elapsed + Math.max(0, ms), callback });
      return timer;
    },
    clearTimeout(timer) {
      if (timer) timers.delete(timer);
    },
    async advance(ms) {
      const until = elapsed + ms;
      await turn();
      for (let due = nextDue(until); due; due = nextDue(until)) {
        timers.delete(due[0]);
        elapsed = Math.max(elapsed, due[1].at);
        due[1].callback();
        await turn();
      }
      elapsed = until;
    },
    step(ms) {
      offset += ms;
    },
    get pending() {
      return timers.size;
    },
  };
}

/** Turns the clock, a little at a time, until something that waits for it has come to its end. */
export async function turnUntil<T>(clock: ManualClock, waiting: Promise<T>, stepMs = 50): Promise<T> {
  let over = false;
  const watched = waiting.finally(() => {
    over = true;
  });
  watched.catch(() => {});
  // What really waits is I/O, which a turn of the event loop each lets happen.
  for (let i = 0; i < 20_000 && !over; i++) await clock.advance(stepMs);
  return watched;
}

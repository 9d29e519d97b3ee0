import type { Timers } from "../src/timers.ts";

/** Timers that go off when the test turns them. */
export interface ManualTimers extends Timers {
  /** Lets so many ms pass; what is due goes off at its time, in order, with a turn of the event loop behind it. */
  advance(ms: number): Promise<void>;
  /** How many are set. */
  readonly pending: number;
}

export function manualTimers(): ManualTimers {
  const set = new Map<object, { readonly at: number; readonly callback: () => void }>();
  let now = 0;
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const nextDue = (until: number) =>
    [...set].filter(([, { at }]) => at <= until).toSorted(([, a], [, b]) => a.at - b.at)[0];
  return {
    setTimeout(callback, ms) {
      const timer = {};
      set.set(timer, { at: now + ms, callback });
      return timer;
    },
    clearTimeout(timer) {
      if (timer) set.delete(timer);
    },
    async advance(ms) {
      const until = now + ms;
      for (let due = nextDue(until); due; due = nextDue(until)) {
        const [timer, { at, callback }] = due;
        set.delete(timer);
        now = at;
        callback();
        await turn();
      }
      now = until;
      await turn();
    },
    get pending() {
      return set.size;
    },
  };
}

import assert from "node:assert/strict";
import type { Clock } from "../../src/lib/clock.ts";

export interface ManualClock extends Clock {
  /** Moves time on, and calls the timers that become due, in their order. */
  advance(ms: number): void;
  /** Resolves once a timer of this length is waiting. */
  timer(ms: number): Promise<void>;
  /** Resolves when the next timer of this length is set. */
  nextTimer(ms: number): Promise<void>;
  /** Lengths of the timers that are waiting, in the order they were set. */
  waiting(): number[];
}

interface Timer {
  readonly due: number;
  readonly ms: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is turned. */
export function manualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let now = start;
  const timers = new Set<Timer>();
  const watchers = new Set<(ms: number) => void>();
  const nextTimer = (ms: number) =>
    new Promise<void>((resolve) => {
      const watch = (set: number) => {
        if (set === ms && watchers.delete(watch)) resolve();
      };
      watchers.add(watch);
    });
  const waiting = () => Array.from(timers, (timer) => timer.ms);
  return {
    now: () => now,
    setTimeout(callback, ms) {
      const timer = { due: now + ms, ms, callback };
      timers.add(timer);
      for (const watch of [...watchers]) watch(ms);
      return timer;
    },
    clearTimeout(timer) {
      for (const one of timers) if (one === timer) timers.delete(one);
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const [next] = [...timers].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due);
        if (!next) break;
        timers.delete(next);
        now = Math.max(now, next.due);
        next.callback();
      }
      now = end;
    },
    timer: async (ms) => (waiting().includes(ms) ? undefined : nextTimer(ms)),
    nextTimer,
    waiting,
  };
}

export interface HurriedClock extends Clock {
  /** Lengths of the waits that were cut short, in their order. */
  readonly waits: number[];
}

/**
 * A clock on which waits take no time: each is over in the next turn of the event loop, and the time has moved on by its length.
 * @param isWait false for the length of a timer that must not run out, such as a deadline
 */
export function hurriedClock(isWait: (ms: number) => boolean, start = Date.UTC(2026, 0, 1)): HurriedClock {
  let now = start;
  const waits: number[] = [];
  return {
    waits,
    now: () => now,
    setTimeout(callback, ms) {
      if (!isWait(ms)) return undefined;
      assert.ok(waits.push(ms) < 1000, "the client waits without an end");
      return setImmediate(() => {
        now += ms;
        callback();
      });
    },
    clearTimeout: (timer) => clearImmediate(timer as NodeJS.Immediate | undefined), // what setTimeout above gave
  };
}

/** Whether a promise is settled by the next turn of the event loop. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const turn = new Promise<false>((resolve) => setImmediate(resolve, false));
  return Promise.race([promise.then(() => true), turn]);
}

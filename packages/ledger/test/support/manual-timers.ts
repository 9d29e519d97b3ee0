import type { Timers } from "../../src/timers.ts";

export interface ManualTimers extends Timers {
  /** Lets time pass: runs what is due in its order, and what comes due meanwhile. */
  advance(ms: number): Promise<void>;
  /** How many timers are set. */
  readonly pending: number;
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Timers that only the test moves. */
export function manualTimers(): ManualTimers {
  let now = 0;
  const due = new Map<NodeJS.Timeout, { at: number; callback: () => void }>();

  function next(until: number): NodeJS.Timeout | undefined {
    const [first] = [...due].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at);
    return first?.[0];
  }

  return {
    now: () => now,
    setTimeout(callback, ms) {
      // A handle of the right type, that never fires by itself.
      const handle = setTimeout(() => {}, 0);
      clearTimeout(handle);
      due.set(handle, { at: now + ms, callback });
      return handle;
    },
    clearTimeout(handle) {
      if (handle !== undefined) due.delete(handle);
    },
    async advance(ms) {
      const end = now + ms;
      for (let handle = next(end); handle !== undefined; handle = next(end)) {
        const timer = due.get(handle);
        due.delete(handle);
        if (timer === undefined) continue;
        now = Math.max(now, timer.at);
        timer.callback();
        await turn();
      }
      now = end;
      await turn();
    },
    get pending() {
      return due.size;
    },
  };
}

import type { WindowSecond } from "./types.ts";

/** Rate limits count what happened in the last 60 s, at whatever moment they are asked. */
export const WINDOW_MS = 60_000;
/**
 * How far ahead of now a use may lie and still count, because gateways' clocks differ a little. One that lies further ahead is
 * of a clock that was wrong: it counts once the clock has come to it.
 */
export const CLOCK_TOLERANCE_MS = 1_000;

export type WindowCount = "requests" | "images";

/** What counts at the moment `at` of the uses known now. */
export function usedInWindow(window: readonly WindowSecond[], count: WindowCount, at: number): number {
  let used = 0;
  for (const second of window) {
    const { lastAt } = second;
    if (lastAt > at - WINDOW_MS && lastAt <= at + CLOCK_TOLERANCE_MS) used += second[count];
  }
  return used;
}

/**
 * After how many milliseconds `need` more fit under `limit`, if nothing else is used until then; a whole window when that
 * never happens, because `need` alone is above the limit. `window` is ordered by `lastAt`. Room is made only when a use leaves,
 * and by then others, of a clock that was ahead, may have come to count.
 */
export function waitForRoom(
  window: readonly WindowSecond[],
  count: WindowCount,
  need: number,
  limit: number,
  now: number,
): number {
  for (const { lastAt } of window) {
    const leaves = lastAt + WINDOW_MS;
    if (usedInWindow(window, count, leaves) + need <= limit) return Math.max(1, leaves - now);
  }
  return WINDOW_MS;
}

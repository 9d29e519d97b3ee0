import type { WindowSecond } from "./types.ts";

/** Rate limits count what happened in the last 60 s, at whatever moment they are asked. */
export const WINDOW_MS = 60_000;

export type WindowCount = "requests" | "images";

export function usedInWindow(window: readonly WindowSecond[], count: WindowCount): number {
  let used = 0;
  for (const second of window) used += second[count];
  return used;
}

/**
 * After how many milliseconds `need` more would fit under `limit`, if nothing else is used until then; a whole window
 * when that never happens, because `need` alone is above the limit. `window` is ordered by `lastAt`.
 */
export function waitForRoom(
  window: readonly WindowSecond[],
  count: WindowCount,
  need: number,
  limit: number,
  now: number,
): number {
  let used = usedInWindow(window, count);
  for (const second of window) {
    used -= second[count];
    if (used + need <= limit) return Math.max(1, second.lastAt + WINDOW_MS - now);
  }
  return WINDOW_MS;
}

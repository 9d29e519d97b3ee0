const FIRST_MS = 100;
const LONGEST_MS = 30_000;

/** How long to wait before restart number `attempt` (0-based) of a row without a success: 100 ms, doubling, at most 30 s. */
export function backoffMs(attempt: number): number {
  return Math.min(FIRST_MS * 2 ** attempt, LONGEST_MS);
}

/**
 * After which steps (1-based, rising) of a run a preview is made: `count` of them, evenly spread between start and end,
 * fewer where the run is too short, never after the last step.
 */
export function partialSteps(steps: number, count: number): number[] {
  const wanted = Math.min(count, steps - 1);
  return Array.from({ length: wanted }, (_, i) => Math.round(((i + 1) * steps) / (wanted + 1)));
}

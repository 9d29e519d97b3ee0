/**
 * Seconds until the last step, from how long the steps since the first took; undefined while only one is known.
 * Times are in milliseconds.
 */
export function secondsLeft(
  first: { readonly step: number; readonly at: number },
  now: { readonly step: number; readonly steps: number; readonly at: number },
): number | undefined {
  const done = now.step - first.step;
  if (done < 1) return undefined;
  return ((now.at - first.at) / done / 1000) * (now.steps - now.step);
}

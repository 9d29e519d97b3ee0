/**
 * How long the server asks to wait, in ms ≥ 0: `retry-after-ms` before `Retry-After` (RFC 9110 §10.2.3, seconds,
 * also fractional, or an HTTP date in the future). Undefined when it does not say, or not in a way that can be read.
 */
export function parseRetryAfterMs(headers: Headers, now: number): number | undefined {
  const ms = nonNegative(headers.get("retry-after-ms"));
  if (ms !== undefined) return ms;
  const text = headers.get("retry-after");
  const seconds = nonNegative(text);
  if (seconds !== undefined) return seconds * 1000;
  // Without the letters test, Date.parse would read "-1" as the year 2001.
  const wait = text && /[a-z]{3}/i.test(text) ? Date.parse(text) - now : Number.NaN;
  return wait > 0 ? wait : undefined;
}

function nonNegative(text: string | null): number | undefined {
  return text && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}

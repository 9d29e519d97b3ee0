/**
 * How long the server asks to wait, in ms ≥ 0: `retry-after-ms` before `Retry-After` (RFC 9110 §10.2.3, seconds,
 * also fractional, or an HTTP date in the future). Undefined when it does not say, or not in a way that can be read.
 */
export function parseRetryAfterMs(headers: Headers, now: number): number | undefined {
  const ms = headers.get("retry-after-ms") || "none";
  const wish = headers.get("retry-after") || "none";
  // Without the letters, Date.parse would read "-40" as the year 2040.
  const date = Date.parse(/[a-z]{3}/i.test(wish) ? wish : "none");
  return [Number(ms), Number(wish) * 1000, date - now].find((wait) => wait >= 0);
}

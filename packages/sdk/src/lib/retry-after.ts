/**
 * How long the server asks to wait, in ms ≥ 0: `retry-after-ms` before `Retry-After` (RFC 9110 §10.2.3, seconds,
 * also fractional, or an HTTP date in the future). Undefined when it does not say, or not in a way that can be read.
 * @param now ms since the epoch
 */
export function parseRetryAfterMs(headers: Headers, now: number): number | undefined {
  const ms = headers.get("retry-after-ms");
  const after = headers.get("retry-after");
  return wait(ms, Number) ?? wait(after, (text) => Number(text) * 1000) ?? wait(after, (text) => parseDate(text) - now);
}

function wait(text: string | null, toMs: (text: string) => number): number | undefined {
  const ms = text ? toMs(text) : Number.NaN;
  return ms >= 0 ? ms : undefined;
}

function parseDate(text: string): number {
  // Date.parse takes a text without a month's name, such as "-40", for a date too.
  return /[a-z]{3}/i.test(text) ? Date.parse(text) : Number.NaN;
}

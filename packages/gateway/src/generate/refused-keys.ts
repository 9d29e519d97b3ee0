import { type ApiError, errors } from "@atoma/contract";
import type { KeyId } from "@atoma/ledger";
import type { Clock } from "../clock.ts";
import type { Caller } from "./identify.ts";

/** Keys remembered at most; a forgotten one costs a read body. */
const MAX_KEYS = 10_000;
/** The window in which the ledger counts. */
const WINDOW_MS = 60_000;

/**
 * Remembers which keys the ledger has refused for their requests per minute, and until when, so that further ones are
 * refused before their body is read. The ledger alone decides who gets in.
 */
export interface RefusedKeys {
  /** Throws ApiError 429 while the key's limit is the one that it was refused for. */
  check(caller: Caller): void;
  /** The ledger has refused it. */
  note(keyId: KeyId, limit: number, retryAfterMs: number): void;
}

export function openRefusedKeys(clock: Clock): RefusedKeys {
  const shut = new Map<KeyId, { readonly limit: number; readonly until: number }>();
  return {
    check({ id, limits: { requestsPerMinute } }) {
      const entry = shut.get(id);
      if (entry === undefined) return;
      if (entry.until > clock.monotonic() && entry.limit === requestsPerMinute) {
        throw rateLimited("requests", entry.limit, 0, entry.until - clock.monotonic());
      }
      shut.delete(id);
    },
    note(keyId, limit, retryAfterMs) {
      if (shut.size >= MAX_KEYS) shut.clear();
      shut.set(keyId, { limit, until: clock.monotonic() + retryAfterMs });
    },
  };
}

/** `1m0s`, `12s`: whole seconds as Go writes a duration, which is how OpenAI's headers have them. */
function goDuration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

/** What a key's limits are of: requests and images a minute, requests at a time. */
type Limited = "requests" | "images" | "concurrency";

/** The headers that tell how much of a limit is left. After one more request the window is empty a minute later. */
export function limitHeaders(
  name: Limited,
  limit: number,
  remaining: number,
  resetMs = WINDOW_MS,
): Record<string, string> {
  return {
    [`x-ratelimit-limit-${name}`]: String(limit),
    [`x-ratelimit-remaining-${name}`]: String(remaining),
    [`x-ratelimit-reset-${name}`]: goDuration(resetMs),
  };
}

export function rateLimited(limit: Limited, value: number, remaining: number, retryAfterMs: number): ApiError {
  const what = limit === "concurrency" ? `${value} at a time` : `${value} ${limit} per minute`;
  const headers = limitHeaders(limit, value, remaining, retryAfterMs);
  return errors.rateLimited(`Rate limit reached for this API key: ${what}.`, retryAfterMs, headers);
}

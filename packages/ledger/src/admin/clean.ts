import { WINDOW_MS } from "../core/window.ts";
import { query, type Script } from "../sql/script.ts";

const FORGET_IDEMPOTENCY = `
  DELETE FROM idempotency WHERE (account_id, key) IN (
    SELECT account_id, key FROM idempotency WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)
  RETURNING 1 AS one`;
const FORGET_WINDOWS = `
  DELETE FROM rate_windows WHERE (key_id, second) IN (
    SELECT key_id, second FROM rate_windows WHERE last_at <= $1 ORDER BY last_at LIMIT $2)
  RETURNING 1 AS one`;
const FORGET_JOBS = `
  DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2) RETURNING 1 AS one`;

/** Deletes at most `limit` rows of each kind that can never matter again. Returns whether more are left. */
export function* clean(now: number, limit: number): Script<boolean> {
  const keys = yield query(FORGET_IDEMPOTENCY, now, limit);
  const windows = yield query(FORGET_WINDOWS, now - WINDOW_MS, limit);
  const jobs = yield query(FORGET_JOBS, now, limit);
  return [keys, windows, jobs].some((rows) => rows.length === limit);
}

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
const FORGET_ACTIVITY = `
  DELETE FROM activity_hours WHERE (hour, account_id, key_id, model, outcome, latency) IN (
    SELECT hour, account_id, key_id, model, outcome, latency FROM activity_hours WHERE hour <= $1 ORDER BY hour LIMIT $2)
  RETURNING 1 AS one`;
/** Charts look back a year. */
const ACTIVITY_MS = 400 * 86_400_000;

/** Deletes at most `limit` rows of each kind that can never matter again. Returns whether more are left. */
export function* clean(now: number, limit: number): Script<boolean> {
  const keys = yield query(FORGET_IDEMPOTENCY, now, limit);
  const windows = yield query(FORGET_WINDOWS, now - WINDOW_MS, limit);
  const jobs = yield query(FORGET_JOBS, now, limit);
  const activity = yield query(FORGET_ACTIVITY, now - ACTIVITY_MS, limit);
  return [keys, windows, jobs, activity].some((rows) => rows.length === limit);
}

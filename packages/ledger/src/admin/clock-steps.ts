import { query, type Script } from "../sql/script.ts";

/** Longer than any lease, heartbeat or pause before another attempt, and longer than gateways' clocks may differ. */
const LONGEST_WAIT_MS = 60_000;
const TOLERANCE_MS = 1_000;

const STATEMENTS = {
  ofAWait: [
    "UPDATE jobs SET lease_until = $1 WHERE state = 'running' AND lease_until > $1",
    "UPDATE jobs SET not_before = $1 WHERE state = 'queued' AND not_before > $1",
    "UPDATE nodes SET expires_at = $1 WHERE expires_at > $1",
  ],
  ofAJob: [
    `UPDATE jobs SET deadline = $1 + deadline - created_at, created_at = $1, not_before = $1
    WHERE state IN ('queued', 'running') AND created_at > $2`,
    "UPDATE jobs SET webhook_at = $1 WHERE webhook_at > $1 AND ended_at > $2",
  ],
};

/**
 * After the clock has stepped back: whatever waits for a moment of the clock that was ahead waits no longer than if it had begun
 * now. What is only kept until such a moment (answers, files, ended jobs) is kept longer, which is no harm.
 */
export function* shortenWaits(now: number): Script<void> {
  for (const sql of STATEMENTS.ofAWait) yield query(sql, now + LONGEST_WAIT_MS);
  for (const sql of STATEMENTS.ofAJob) yield query(sql, now, now + TOLERANCE_MS);
}

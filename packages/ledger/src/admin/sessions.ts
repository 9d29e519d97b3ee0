import { int } from "../sql/rows.ts";
import { query, type Script } from "../sql/script.ts";
import { appendAudit } from "./audit.ts";

// Always later than the end before, also when the clock has stepped back: sessions are told apart by it.
const END = `
  INSERT INTO session_ends (realm, ended_at) VALUES ($1, $2)
  ON CONFLICT (realm) DO UPDATE SET ended_at = CASE
    WHEN excluded.ended_at > session_ends.ended_at THEN excluded.ended_at ELSE session_ends.ended_at + 1 END`;
const ENDED_AT = "SELECT ended_at FROM session_ends WHERE realm = $1";

export function* endSessions(realm: string, actor: string, now: number): Script<void> {
  yield query(END, realm, now);
  yield* appendAudit({ actor, action: "session.end_all", subject: realm, details: {} }, now);
}

export function* sessionsEndedAt(realm: string): Script<number | undefined> {
  const [row] = yield query(ENDED_AT, realm);
  return row && int(row, "ended_at");
}

import type { AuditEntry, StoredAuditEntry } from "../ledger.ts";
import { auditFrom } from "../sql/decode.ts";
import { int, type Row } from "../sql/rows.ts";
import { query, type Script } from "../sql/script.ts";

const APPEND = `
  INSERT INTO audit_log (at, actor, action, subject, details) VALUES ($1, $2, $3, $4, $5) RETURNING seq`;

const LIST = `
  SELECT seq, at, actor, action, subject, details FROM audit_log
  WHERE seq < $1 ORDER BY seq DESC LIMIT $2`;

/** The only row of an answer that must have one. */
export function onlyRow(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined || rows.length !== 1) throw new Error(`the database gave ${rows.length} rows, not one`);
  return row;
}

export function* appendAudit(entry: AuditEntry, at: number): Script<StoredAuditEntry> {
  const { actor, action, subject, details } = entry;
  const row = onlyRow(yield query(APPEND, at, actor, action, subject, JSON.stringify(details)));
  return { ...entry, seq: int(row, "seq"), at };
}

export function* listAudit(before: number, limit: number): Script<StoredAuditEntry[]> {
  return (yield query(LIST, before, limit)).map(auditFrom);
}

import { appendAudit, onlyRow } from "../admin/audit.ts";
import { LedgerInputError } from "../errors.ts";
import { int, intOrNull, type Row, text, textOrNull } from "../sql/rows.ts";
import { query, type Script } from "../sql/script.ts";
import type { Heartbeat, NewNode, NodeEntry } from "./nodes.ts";

const COLUMNS = `name, url, dialect, token, models, max_concurrent, draining, leaving, expires_at, created_at,
  CASE WHEN join_hash IS NULL THEN 0 ELSE 1 END AS joins`;
const LIST = `SELECT ${COLUMNS} FROM nodes ORDER BY name LIMIT 10000`;
const FIND = "SELECT name FROM nodes WHERE name = $1";
// A mark on a node of a configuration file gives way to an entry, and stays in it.
const INSERT = `
  INSERT INTO nodes (name, url, dialect, token, models, max_concurrent, join_hash, created_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
  ON CONFLICT (name) DO UPDATE SET url = excluded.url, dialect = excluded.dialect, token = excluded.token,
    models = excluded.models, max_concurrent = excluded.max_concurrent, join_hash = excluded.join_hash
  WHERE nodes.url IS NULL AND nodes.join_hash IS NULL
  RETURNING ${COLUMNS}`;
const MARK = `
  INSERT INTO nodes (name, dialect, draining, created_at) VALUES ($1, 'atoma', $2, $3)
  ON CONFLICT (name) DO UPDATE SET draining = excluded.draining`;
const REMOVE_EMPTY_MARKS = "DELETE FROM nodes WHERE url IS NULL AND join_hash IS NULL AND draining = 0";
const REMOVE = "DELETE FROM nodes WHERE name = $1";
const BEAT = `
  UPDATE nodes SET url = $2, token = $3, leaving = $4, expires_at = $5 WHERE join_hash = $1 RETURNING ${COLUMNS}`;

function entryFrom(row: Row): NodeEntry {
  return {
    name: text(row, "name"),
    url: textOrNull(row, "url"),
    dialect: text(row, "dialect"),
    token: textOrNull(row, "token"),
    models: textOrNull(row, "models"),
    maxConcurrent: intOrNull(row, "max_concurrent"),
    draining: int(row, "draining") === 1,
    leaving: int(row, "leaving") === 1,
    joins: int(row, "joins") === 1,
    expiresAt: intOrNull(row, "expires_at"),
    createdAt: int(row, "created_at"),
  };
}

export function* list(): Script<NodeEntry[]> {
  return (yield query(LIST)).map(entryFrom);
}

export type NodeRow = Omit<NewNode, "url"> & { readonly url: string | null; readonly joinHash: Uint8Array | null };

export function* add(node: NodeRow, actor: string, now: number): Script<NodeEntry> {
  const { name, url, dialect, token = null, models = null, maxConcurrent = null, joinHash } = node;
  const [row] = yield query(INSERT, name, url, dialect, token, models, maxConcurrent, joinHash, now);
  if (row === undefined) throw new LedgerInputError("node_exists", `there is a node ${name} already`);
  yield* appendAudit({ actor, action: "node.add", subject: name, details: { url, dialect, maxConcurrent } }, now);
  return entryFrom(row);
}

export function* setDraining(name: string, draining: boolean, actor: string, now: number): Script<void> {
  yield query(MARK, name, draining ? 1 : 0, now);
  yield query(REMOVE_EMPTY_MARKS);
  yield* appendAudit({ actor, action: draining ? "node.drain" : "node.resume", subject: name, details: {} }, now);
}

export function* remove(name: string, actor: string, now: number): Script<void> {
  const [found] = yield query(FIND, name);
  if (found === undefined) throw new LedgerInputError("node_not_found", `there is no node ${name}`);
  yield query(REMOVE, name);
  yield* appendAudit({ actor, action: "node.remove", subject: name, details: {} }, now);
}

export function* heartbeat(
  joinHash: Uint8Array,
  { url, token, leaving }: Heartbeat,
  expiresAt: number,
): Script<NodeEntry | undefined> {
  const rows = yield query(BEAT, joinHash, url, token ?? null, leaving ? 1 : 0, expiresAt);
  return rows.length === 0 ? undefined : entryFrom(onlyRow(rows));
}

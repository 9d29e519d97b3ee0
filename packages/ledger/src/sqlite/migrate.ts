import { type AppliedMigration, pendingMigrations, readMigrations } from "../migrations.ts";
import { int, text } from "../sql/rows.ts";
import type { Sqlite } from "./database.ts";

const CREATE_TABLE = `
  CREATE TABLE IF NOT EXISTS schema_migrations (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT`;
const HAS_TABLE = "SELECT 1 AS one FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'";
const APPLIED = "SELECT version, checksum FROM schema_migrations ORDER BY version";
const RECORD = "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)";

function applied(database: Sqlite): AppliedMigration[] {
  if (database.statement(HAS_TABLE).get() === undefined) return [];
  return database
    .statement(APPLIED)
    .all()
    .map((row) => ({ version: int(row, "version"), checksum: text(row, "checksum") }));
}

/** Brings the file to this code's schema under the file's write lock. Returns the schema version. */
export function migrateSqlite(database: Sqlite, now: number): number {
  const known = readMigrations(new URL("./migrations/", import.meta.url));
  if (pendingMigrations(known, applied(database)).length === 0) return known.length;
  database.transaction(() => {
    database.exec(CREATE_TABLE);
    for (const migration of pendingMigrations(known, applied(database))) {
      database.exec(migration.sql);
      database.statement(RECORD).run(migration.version, migration.name, migration.checksum, now);
    }
  });
  return known.length;
}

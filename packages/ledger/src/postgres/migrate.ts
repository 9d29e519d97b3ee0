import { LedgerSchemaError } from "../errors.ts";
import { type AppliedMigration, pendingMigrations, readMigrations } from "../migrations.ts";
import { int, type Row, text } from "../sql/rows.ts";
import type { SqlValue } from "../sql/script.ts";

/** All of the ledger is in this schema of the database. */
export const SCHEMA = "atoma";

const OLDEST_SERVER = 150_000;
/** "atoma" in ASCII; any number would do that nobody else locks. */
const LOCK_ID = 0x61746f6d61;

const SERVER_VERSION = "SELECT current_setting('server_version_num')::integer AS version";
const HAS_TABLE = `SELECT to_regclass('${SCHEMA}.schema_migrations') IS NOT NULL AS has_table`;
const LOCK = `SELECT pg_advisory_xact_lock(${LOCK_ID})`;
const CREATE_SCHEMA = `CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`;
const CREATE_TABLE = `
  CREATE TABLE IF NOT EXISTS ${SCHEMA}.schema_migrations (
    version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at bigint NOT NULL)`;
const APPLIED = `SELECT version, checksum FROM ${SCHEMA}.schema_migrations ORDER BY version`;
const RECORD = `INSERT INTO ${SCHEMA}.schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)`;

/** Sends statements over one connection and gives the rows. */
export type Ask = (sql: string, values?: readonly SqlValue[]) => Promise<readonly Row[]>;

async function applied(ask: Ask): Promise<AppliedMigration[]> {
  const [table] = await ask(HAS_TABLE);
  if (table?.has_table !== true) return [];
  return (await ask(APPLIED)).map((row) => ({ version: int(row, "version"), checksum: text(row, "checksum") }));
}

/** Brings the database to this code's schema, one gateway at a time. Returns the schema version. */
export async function migratePostgres(ask: Ask, now: number): Promise<number> {
  const [server = {}] = await ask(SERVER_VERSION);
  if (int(server, "version") < OLDEST_SERVER) throw new LedgerSchemaError("the ledger needs PostgreSQL 15 or newer");
  const known = readMigrations(new URL("./migrations/", import.meta.url));
  if (pendingMigrations(known, await applied(ask)).length === 0) return known.length;
  // Whatever fails from here on closes the connection, and the server undoes it all.
  await ask("BEGIN");
  await ask(LOCK);
  await ask(CREATE_SCHEMA);
  await ask(CREATE_TABLE);
  for (const migration of pendingMigrations(known, await applied(ask))) {
    await ask(migration.sql);
    await ask(RECORD, [migration.version, migration.name, migration.checksum, now]);
  }
  await ask("COMMIT");
  return known.length;
}

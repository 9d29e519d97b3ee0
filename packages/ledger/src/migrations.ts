import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { LedgerSchemaError } from "./errors.ts";

/** One numbered step of a schema, a file `0001_name.sql`. Once released it is never edited. */
export interface Migration {
  version: number;
  name: string;
  sql: string;
  /** SHA-256 of the file, in hex. */
  checksum: string;
}

export interface AppliedMigration {
  version: number;
  checksum: string;
}

/** Reads a folder's migrations in their order. They must be numbered 1, 2, 3, … */
export function readMigrations(folder: URL): Migration[] {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort();
  return names.map((name, index) => {
    const version = Number(name.slice(0, 4));
    if (version !== index + 1) throw new LedgerSchemaError(`migration ${name} should have number ${index + 1}`);
    const sql = readFileSync(new URL(name, folder), "utf8");
    return { version, name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
  });
}

/**
 * What is still to be applied. Throws `LedgerSchemaError` when the database is newer than this code, or when
 * a migration that it has is not the one that this code knows.
 */
export function pendingMigrations(known: readonly Migration[], applied: readonly AppliedMigration[]): Migration[] {
  if (applied.length > known.length) {
    throw new LedgerSchemaError(
      `the ledger's database has schema version ${applied.length}, and this version of Atoma knows ${known.length}: ` +
        "start a newer version of Atoma, or use another database",
    );
  }
  applied.forEach((migration, index) => {
    const same = known[index];
    if (same?.version === migration.version && same.checksum === migration.checksum) return;
    throw new LedgerSchemaError(`migration ${migration.version} of the ledger's database is not the one known here`);
  });
  return known.slice(applied.length);
}

import type { Row } from "./rows.ts";

export type SqlValue = string | number | null | Uint8Array;

/** One statement in the SQL that SQLite and PostgreSQL share; parameters are `$1`, `$2`, … */
export interface Query {
  sql: string;
  values: readonly SqlValue[];
}

/**
 * A transaction as a generator: it yields statements and gets their rows. SQLite runs it without a pause,
 * PostgreSQL with a round trip for each statement, and it is written once.
 */
export type Script<Result> = Generator<Query, Result, readonly Row[]>;

export const query = (sql: string, ...values: SqlValue[]): Query => ({ sql, values });

import { chmodSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { LedgerUnavailableError } from "../errors.ts";
import { fileProblem } from "../file-problem.ts";
import { makeFolder } from "../make-folder.ts";
import { requireFile } from "../require-file.ts";
import type { Query, Script, SqlValue } from "../sql/script.ts";

export type SqliteRow = Record<string, SQLOutputValue>;

/**
 * When a transaction is on the disk: before it returns (`flushed`), or with the next one that is flushed (`written`). Once it
 * has returned, a process that dies loses neither; a power cut may undo the last ones that were only written, never one before one that is
 * there (sqlite.org/pragma.html#pragma_synchronous: FULL, NORMAL, in WAL mode).
 */
export type Commit = "flushed" | "written";

/** One connection to a SQLite file: prepared statements, transactions, scripts. */
export interface Sqlite {
  /** Runs SQL without parameters, any number of statements. */
  exec(sql: string): void;
  /** The prepared statement for this SQL, prepared once. */
  statement(sql: string): StatementSync;
  /** Runs `work` in one transaction, which holds the file's write lock from its start. */
  transaction<Result>(work: () => Result, commit?: Commit): Result;
  /** Runs a script to its end. */
  run<Result>(script: Script<Result>): Result;
  close(): void;
}

const BUSY = 5;
const LOCKED = 6;
const CONSTRAINT = 19;
/** The file beside a WAL, which is mapped into memory, could not grow. */
const IOERR_SHMSIZE = 4874;
const MAX_STATEMENTS = 200;

/** A failure of the file or its lock as `LedgerUnavailableError`; anything else as it is. */
export function translateError(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "ERR_SQLITE_ERROR") return error;
  const errcode = "errcode" in error && typeof error.errcode === "number" ? error.errcode : 0;
  const code = errcode & 0xff;
  if (code === CONSTRAINT) return error;
  if (code === BUSY || code === LOCKED) {
    return new LedgerUnavailableError("busy", "the ledger's file is locked by another process", { cause: error });
  }
  const problem = errcode === IOERR_SHMSIZE ? "the disk is full" : error.message;
  return new LedgerUnavailableError("connection", `the ledger's file cannot be used: ${problem}`, { cause: error });
}

function named(values: readonly SqlValue[]): Record<string, SqlValue> {
  const parameters: Record<string, SqlValue> = {};
  values.forEach((value, index) => {
    parameters[`$${index + 1}`] = value;
  });
  return parameters;
}

/** Read and written by its owner only: the file holds the secrets of webhooks and nodes. */
const PRIVATE = 0o600;
const OTHERS = 0o007;

/** Takes away what others than owner and group may do with a file, where there is one. */
function makePrivate(path: string): void {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info?.isFile() && (info.mode & OTHERS) !== 0) chmodSync(path, PRIVATE);
}

/** The absolute path of a file that is there afterwards, its folder too. SQLite gives the files beside it the same permissions. */
function privateFile(path: string): string {
  const file = resolve(path);
  try {
    makeFolder(dirname(file));
    requireFile(file, PRIVATE);
    for (const suffix of ["", "-wal", "-shm"]) makePrivate(file + suffix);
    return file;
  } catch (error) {
    const problem = fileProblem(error) ?? (error instanceof Error ? error.message : "");
    throw new LedgerUnavailableError("connection", `the ledger's file ${file} cannot be used: ${problem}`, {
      cause: error,
    });
  }
}

/** Opens a file (`:memory:` for tests), creating it and its folder where they are missing. Waits `busyTimeoutMs` for locks. */
export function openSqlite(path: string, busyTimeoutMs: number): Sqlite {
  const database = new DatabaseSync(path === ":memory:" ? path : privateFile(path), { timeout: busyTimeoutMs });
  const statements = new Map<string, StatementSync>();

  function exec(sql: string): void {
    database.exec(sql);
  }

  function statement(sql: string): StatementSync {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    if (statements.size >= MAX_STATEMENTS) statements.clear();
    const prepared = database.prepare(sql);
    statements.set(sql, prepared);
    return prepared;
  }

  let commits: Commit = "flushed";

  function setCommit(commit: Commit): void {
    if (commit === commits) return;
    exec(`PRAGMA synchronous = ${commit === "flushed" ? "FULL" : "NORMAL"}`);
    commits = commit;
  }

  function transaction<Result>(work: () => Result, commit: Commit = "flushed"): Result {
    setCommit(commit);
    statement("BEGIN IMMEDIATE").run();
    try {
      const result = work();
      statement("COMMIT").run();
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }

  const execute = (query: Query): SqliteRow[] => statement(query.sql).all(named(query.values));

  function run<Result>(script: Script<Result>): Result {
    let step = script.next([]);
    while (step.done !== true) step = script.next(execute(step.value));
    return step.value;
  }

  try {
    exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
  } catch (error) {
    database.close();
    throw error;
  }
  return { exec, statement, transaction, run, close: () => database.close() };
}

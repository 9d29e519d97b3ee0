import type { Operation, OperationResult } from "./core/types.ts";
import type { Discrepancy } from "./ledger.ts";
import type { Script } from "./sql/script.ts";
import type { Timers } from "./timers.ts";

/** What the ledger needs of a database. All of it rejects with `LedgerUnavailableError` when the database is away. */
export interface Engine {
  readonly name: "sqlite" | "postgres";
  readonly schemaVersion: number;
  /** How many batches may be under way at once, and how many operations one may have. */
  readonly lanes: number;
  readonly maxBatch: number;
  /** Applies one batch in one transaction: a result for each operation, in their order. */
  apply(operations: readonly Operation[], now: number): Promise<OperationResult[]>;
  /** Expires at most `limit` overdue holds. Returns how many. */
  expire(now: number, limit: number): Promise<number>;
  /** After the clock has stepped back: what is held lasts no longer from now than it was to last from its beginning. */
  shortenHolds(now: number): Promise<void>;
  /** Runs a script in one transaction; `script` is called again when the transaction is tried again. */
  transact<Result>(script: () => Script<Result>): Promise<Result>;
  /** Runs a script of one reading statement. */
  read<Result>(script: () => Script<Result>): Promise<Result>;
  /** Recomputes the books from one moment of the whole ledger, for minutes if need be, beside everything else. */
  verify(): Promise<Discrepancy[]>;
  /** Ends what `verify` is at, too. */
  close(): Promise<void>;
}

export interface EngineOptions {
  idempotencyRetentionMs: number;
  operationTimeoutMs: number;
  timers: Timers;
  logger: LedgerLogger;
}

/** The part of a pino logger that the ledger uses. */
export interface LedgerLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

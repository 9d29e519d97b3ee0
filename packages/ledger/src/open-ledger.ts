import { randomBytes } from "node:crypto";
import { createLedger } from "./create-ledger.ts";
import type { Engine, EngineOptions, LedgerLogger } from "./engine.ts";
import { LedgerInputError } from "./errors.ts";
import type { RandomBytes } from "./ids.ts";
import type { Ledger } from "./ledger.ts";
import { systemTimers, type Timers } from "./timers.ts";

const DAY_MS = 86_400_000;

export interface OpenLedgerOptions {
  /** The clock, in ms since the epoch. */
  now?: (() => number) | undefined;
  randomBytes?: RandomBytes | undefined;
  logger?: LedgerLogger | undefined;
  /** How long a stored answer is kept, 24 h (and no less than that) when it is not said. */
  idempotencyRetentionMs?: number | undefined;
  /** How many operations may wait for the database; one more is refused. 10,000 when it is not said. */
  maxQueue?: number | undefined;
  /** How long an operation may take, waiting included; 5 s when it is not said. */
  operationTimeoutMs?: number | undefined;
  /** What deadlines are measured with; the system's own when it is not said. */
  timers?: Timers | undefined;
}

const silent: LedgerLogger = { info: () => {}, warn: () => {} };

/**
 * Opens the ledger and brings its schema up to date.
 *
 * @param url `sqlite:/path/to/file.db` (or relative, or `sqlite::memory:`), or `postgres://user:password@host/database`.
 * @throws LedgerSchemaError when the database's schema is newer than this code.
 * @throws LedgerUnavailableError when the database cannot be reached.
 * @throws LedgerInputError for another kind of URL.
 */
export async function openLedger(url: string, options: OpenLedgerOptions = {}): Promise<Ledger> {
  const now = options.now ?? Date.now;
  const logger = options.logger ?? silent;
  const operationTimeoutMs = options.operationTimeoutMs ?? 5_000;
  const idempotencyRetentionMs = Math.max(DAY_MS, options.idempotencyRetentionMs ?? DAY_MS);
  const timers = options.timers ?? systemTimers;
  const engine = await openEngine(url, now(), { idempotencyRetentionMs, operationTimeoutMs, timers, logger });
  return createLedger(engine, {
    now,
    randomBytes: options.randomBytes ?? randomBytes,
    logger,
    maxQueue: options.maxQueue ?? 10_000,
    operationTimeoutMs,
    timers,
  });
}

async function openEngine(url: string, now: number, options: EngineOptions): Promise<Engine> {
  // The engine that is used is the only one that is loaded: PostgreSQL's driver costs a command its start.
  if (url.startsWith("sqlite:") && url.length > "sqlite:".length) {
    const { openSqliteEngine } = await import("./sqlite/engine.ts");
    return openSqliteEngine(url.slice("sqlite:".length), now, options);
  }
  if (/^postgres(ql)?:\/\//.test(url)) {
    const { openPostgresEngine } = await import("./postgres/engine.ts");
    return openPostgresEngine(url, now, options);
  }
  throw new LedgerInputError("invalid_argument", "the ledger's URL must begin with sqlite: or postgres://");
}

import { verify } from "../admin/verify.ts";
import { applyExpiry, applyOperations } from "../core/apply.ts";
import type { Operation } from "../core/types.ts";
import type { Engine, EngineOptions } from "../engine.ts";
import { LedgerUnavailableError } from "../errors.ts";
import { type Commit, openSqlite, translateError } from "./database.ts";
import { migrateSqlite } from "./migrate.ts";
import { retryBusy } from "./retry-busy.ts";
import { sqliteStore } from "./store.ts";
import { openVerifier } from "./verifier.ts";

/** SQLite works on the event loop, so a batch is no longer than the loop may stand still for it. */
const MAX_BATCH = 512;
const SHORTEN = `
  UPDATE holds SET deadline = $1 + deadline - created_at, created_at = $1 WHERE state = 'held' AND created_at > $1`;

/**
 * A settlement is on the disk before it is answered, with all that came before it. What a power cut may take of a reservation or a void
 * is what the next start of the gateway would have voided: the same.
 */
const commitOf = (operations: readonly Operation[]): Commit =>
  operations.some(({ kind }) => kind === "settle") ? "flushed" : "written";

/**
 * Opens the ledger in one SQLite file. Any number of processes of one machine may have it open. While another has it locked,
 * operations are tried again until their deadline, and the event loop goes on.
 */
export async function openSqliteEngine(path: string, now: number, options: EngineOptions): Promise<Engine> {
  let closed = false;

  async function whenFree<Result>(work: () => Result): Promise<Result> {
    const attempt = (): Result => {
      if (closed) throw new LedgerUnavailableError("closed", "the ledger is closed");
      return work();
    };
    try {
      return await retryBusy(attempt, options.operationTimeoutMs, options.timers);
    } catch (error) {
      throw translateError(error);
    }
  }

  const database = await whenFree(() => openSqlite(path, 0));
  try {
    const schemaVersion = await whenFree(() => migrateSqlite(database, now));
    const store = sqliteStore(database);
    const verifier = path === ":memory:" ? undefined : openVerifier(path);
    const transaction = <Result>(work: () => Result, commit?: Commit): Promise<Result> =>
      whenFree(() => database.transaction(work, commit));
    return {
      name: "sqlite",
      schemaVersion,
      lanes: 1,
      maxBatch: MAX_BATCH,
      apply: (operations, at) =>
        transaction(() => applyOperations(store, operations, at, options.idempotencyRetentionMs), commitOf(operations)),
      expire: (at, limit) => transaction(() => applyExpiry(store, at, limit)),
      shortenHolds: (at) => transaction(() => void database.statement(SHORTEN).run({ $1: at })),
      transact: (script) => transaction(() => database.run(script())),
      read: (script) => whenFree(() => database.run(script())),
      verify: async () => (verifier ? verifier.verify() : whenFree(() => database.run(verify()))),
      async close() {
        closed = true;
        verifier?.stop();
        database.close();
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

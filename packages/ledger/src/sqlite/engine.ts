import { verify } from "../admin/verify.ts";
import { applyExpiry, applyOperations } from "../core/apply.ts";
import type { Engine, EngineOptions } from "../engine.ts";
import { openSqlite, translateError } from "./database.ts";
import { migrateSqlite } from "./migrate.ts";
import { sqliteStore } from "./store.ts";
import { openVerifier } from "./verifier.ts";

/** SQLite works on the event loop, so a batch is no longer than the loop may stand still for it. */
const MAX_BATCH = 512;
/** How long to wait for another process that writes to the same file, with the event loop standing still. */
const BUSY_TIMEOUT_MS = 2_000;

/** Opens the ledger in one SQLite file. Any number of processes of one machine may have it open. */
export function openSqliteEngine(path: string, now: number, options: EngineOptions): Engine {
  const database = guarded(() => openSqlite(path, BUSY_TIMEOUT_MS));
  try {
    const schemaVersion = guarded(() => migrateSqlite(database, now));
    const store = sqliteStore(database);
    const verifier = path === ":memory:" ? undefined : openVerifier(path);
    const transaction = async <Result>(work: () => Result): Promise<Result> =>
      guarded(() => database.transaction(work));
    return {
      name: "sqlite",
      schemaVersion,
      lanes: 1,
      maxBatch: MAX_BATCH,
      apply: (operations, at) =>
        transaction(() => applyOperations(store, operations, at, options.idempotencyRetentionMs)),
      expire: (at, limit) => transaction(() => applyExpiry(store, at, limit)),
      transact: (script) => transaction(() => database.run(script())),
      read: async (script) => guarded(() => database.run(script())),
      verify: async () => (verifier ? verifier.verify() : guarded(() => database.run(verify()))),
      async close() {
        verifier?.stop();
        database.close();
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

function guarded<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw translateError(error);
  }
}

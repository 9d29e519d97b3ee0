import type { Pool } from "pg";
import { verify } from "../admin/verify.ts";
import type { Engine, EngineOptions } from "../engine.ts";
import { int, object, type Row } from "../sql/rows.ts";
import type { Script } from "../sql/script.ts";
import { APPLY_BATCH, applyBatch, type CallBatch } from "./batch.ts";
import { isTransient, translateError } from "./errors.ts";
import { type Ask, migratePostgres } from "./migrate.ts";
import { LANES, openPools } from "./pools.ts";
import { openVerifier } from "./verifier.ts";

const EXPIRE = "SELECT expire_holds($1, $2) AS expired";
const SHORTEN = "SELECT shorten_holds($1)";
const MAX_BATCH = 512;
const MAX_ATTEMPTS = 5;

/** Opens the ledger in a PostgreSQL database, 15 or newer. Any number of gateways may have it open. */
export async function openPostgresEngine(url: string, now: number, options: EngineOptions): Promise<Engine> {
  const pools = openPools(url, options);
  const applyOnServer = askOver(pools.batches, "apply_batch");
  const askBatch = askOver(pools.batches);
  const askOther = askOver(pools.others);
  const verifier = openVerifier(url, (client) => run(askOver(client), verify()));
  const callBatch: CallBatch = async (parameters) => {
    const [row = {}] = await attempt(() => applyOnServer(APPLY_BATCH, parameters));
    return object(row, "answer");
  };

  try {
    const schemaVersion = await withConnection(pools.others, (ask) => migratePostgres(ask, now));
    return {
      name: "postgres",
      schemaVersion,
      lanes: LANES,
      maxBatch: MAX_BATCH,
      apply: (operations, at) => applyBatch(callBatch, operations, at, options.idempotencyRetentionMs),
      async expire(at, limit) {
        const [row = {}] = await attempt(() => askBatch(EXPIRE, [at, limit]));
        return int(row, "expired");
      },
      async shortenHolds(at) {
        await attempt(() => askBatch(SHORTEN, [at]));
      },
      transact: (script) => attempt(() => withConnection(pools.others, (ask) => transact(ask, script()))),
      read: (script) => run(askOther, script()),
      verify: verifier.verify,
      async close() {
        await verifier.stop();
        await pools.end();
      },
    };
  } catch (error) {
    await pools.end();
    throw error;
  }
}

/**
 * Sends statements and gives their rows; a server that is away is a `LedgerUnavailableError` from here on.
 * With a name, it is always the same statement, and the server prepares it once a connection.
 */
function askOver(connection: Pick<Pool, "query">, preparedAs?: string): Ask {
  const name = preparedAs === undefined ? {} : { name: preparedAs };
  return async (text, values = []) => {
    try {
      return (await connection.query<Row>({ ...name, text, values: [...values] })).rows;
    } catch (error) {
      throw translateError(error);
    }
  };
}

async function run<Result>(ask: Ask, script: Script<Result>): Promise<Result> {
  let step = script.next([]);
  while (step.done !== true) step = script.next(await ask(step.value.sql, step.value.values));
  return step.value;
}

async function transact<Result>(ask: Ask, script: Script<Result>): Promise<Result> {
  await ask("BEGIN");
  const result = await run(ask, script);
  await ask("COMMIT");
  return result;
}

/** Lends a connection. After a failure it is closed, which also undoes what was not committed. */
async function withConnection<Result>(pool: Pool, work: (ask: Ask) => Promise<Result>): Promise<Result> {
  const client = await pool.connect().catch((error: unknown) => {
    throw translateError(error);
  });
  // The statement under way tells; but the pool listens only to connections that nobody has, and without a listener a
  // connection that breaks would end the process.
  const onError = () => {};
  client.on("error", onError);
  let failed = true;
  try {
    const result = await work(askOver(client));
    failed = false;
    return result;
  } finally {
    client.release(failed);
    client.off("error", onError);
  }
}

/** Does it again when the server undid it for a deadlock. */
async function attempt<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let count = 1; ; count++) {
    try {
      return await work();
    } catch (error) {
      if (!isTransient(error) || count === MAX_ATTEMPTS) throw error;
    }
  }
}

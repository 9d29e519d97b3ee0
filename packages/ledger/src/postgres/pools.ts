import { Pool } from "pg";
import type { EngineOptions } from "../engine.ts";
import { SCHEMA } from "./migrate.ts";

/** Batches under way at once: one is decided while another is written to the disk. */
export const LANES = 2;
/** For keys, sweeps and administration, so that neither waits for the other. */
const OTHER_CONNECTIONS = 4;

// A commit that is answered is on the disk, whatever the server's default.
const ALWAYS = `-c search_path=${SCHEMA} -c synchronous_commit=on`;
// The batch functions look up a few rows by index in every statement. Plans made while the tables were empty, or for
// an average number of array elements, would say otherwise and be kept; these settings leave one plan only.
const BY_INDEX =
  "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c plan_cache_mode=force_generic_plan -c jit=off";

export interface Pools {
  batches: Pool;
  others: Pool;
  end(): Promise<void>;
}

/** Connections to one database, made when they are needed, each with a deadline on everything. */
export function openPools(url: string, options: EngineOptions): Pools {
  const { operationTimeoutMs, logger } = options;
  function open(max: number, settings: string): Pool {
    const pool = new Pool({
      connectionString: url,
      max,
      connectionTimeoutMillis: Math.min(3_000, operationTimeoutMs),
      query_timeout: operationTimeoutMs,
      statement_timeout: operationTimeoutMs,
      idle_in_transaction_session_timeout: operationTimeoutMs,
      keepAlive: true,
      application_name: "atoma-ledger",
      options: settings,
    });
    // An idle connection that breaks is replaced at the next use; without a listener it would end the process.
    pool.on("error", (error) => logger.warn({ err: error }, "a connection to the ledger's database broke"));
    return pool;
  }
  const batches = open(LANES, `${ALWAYS} ${BY_INDEX}`);
  const others = open(OTHER_CONNECTIONS, ALWAYS);
  return {
    batches,
    others,
    async end() {
      await Promise.all([batches.end(), others.end()]);
    },
  };
}

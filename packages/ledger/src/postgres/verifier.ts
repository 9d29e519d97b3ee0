import { Client } from "pg";
import { VERIFY_MAX_MS } from "../admin/verify.ts";
import { translateError } from "./errors.ts";
import { SCHEMA } from "./migrate.ts";

export interface Verifier<Result> {
  verify(): Promise<Result>;
  /** Ends what is under way. */
  stop(): Promise<void>;
}

const CONNECT_MS = 3_000;

/** Lends `read` a connection of its own each time, whose one statement may take as long as the whole ledger needs. */
export function openVerifier<Result>(url: string, read: (client: Client) => Promise<Result>): Verifier<Result> {
  const clients = new Set<Client>();

  return {
    async verify() {
      const client = new Client({
        connectionString: url,
        connectionTimeoutMillis: CONNECT_MS,
        statement_timeout: VERIFY_MAX_MS,
        query_timeout: VERIFY_MAX_MS,
        keepAlive: true,
        application_name: "atoma-ledger verify",
        // Millions of rows are joined: hashed in memory where they fit.
        options: `-c search_path=${SCHEMA} -c default_transaction_read_only=on -c work_mem=64MB`,
      });
      // The statement under way tells.
      client.on("error", () => {});
      clients.add(client);
      try {
        await client.connect().catch((error: unknown) => {
          throw translateError(error);
        });
        return await read(client);
      } finally {
        clients.delete(client);
        await client.end();
      }
    },
    async stop() {
      await Promise.all([...clients].map((client) => client.end()));
    },
  };
}

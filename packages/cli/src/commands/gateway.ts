import { ownLedger } from "@atoma/ledger";
import type { Config } from "../config.ts";
import { databaseUrl } from "../data-folder.ts";
import { createLogger } from "../logger.ts";
import { shutdownSignal } from "../shutdown.ts";
import { serveGateway } from "./serve-gateway.ts";

/** `atoma gateway`: a gateway alone, for the nodes of the configuration and of the ledger. */
export async function gateway(config: Config, json: boolean): Promise<void> {
  const stop = shutdownSignal();
  await using cleanup = new AsyncDisposableStack();
  const log = createLogger(config.log_level);
  const ledger = await ownLedger(databaseUrl(config), { logger: log });
  cleanup.defer(() => ledger.close());
  const server = await serveGateway(config, ledger, log, config.nodes, config.admin_key);
  cleanup.defer(() => server.close(config.drain_s * 1000));
  const line = json ? JSON.stringify({ url: server.url, pid: process.pid }) : `gateway ready at ${server.url}`;
  process.stdout.write(`${line}\n`);
  await stop;
}

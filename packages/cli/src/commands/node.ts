import { randomBytes } from "node:crypto";
import { ExposedNodeError, startNode } from "@atoma/node";
import type { Config } from "../config.ts";
import { listening } from "../listen-error.ts";
import { createLogger } from "../logger.ts";
import { findModel } from "../models/registry.ts";
import { serverTls } from "../read-tls.ts";
import { shutdownSignal } from "../shutdown.ts";
import { UsageError } from "../usage-error.ts";
import { join } from "./join.ts";

/** A second gateway may not have heard yet that this node stops. */
const FAREWELL_MS = 1_000;

/** `atoma node`: an AI node alone, for the model folders of the configuration. */
export async function node(config: Config, json: boolean): Promise<void> {
  if (config.models.length === 0)
    throw new UsageError("models: name at least one model folder, as with --models DIR,DIR");
  if (config.join !== undefined && config.join_token === undefined) {
    throw new UsageError("join_token: a node that joins needs the credential that `atoma nodes expect NAME` shows");
  }
  const tls = serverTls(config);
  const stop = shutdownSignal();
  const log = createLogger(config.log_level);
  // Who joins tells the gateway, and nobody else needs to know it.
  const token = config.node_token ?? (config.join === undefined ? undefined : randomBytes(32).toString("hex"));
  const starting = startNode({
    host: config.host ?? "127.0.0.1",
    port: config.port ?? 0,
    models: config.models.map((model) => ({ path: findModel(config.data, model), noise: config.node_noise })),
    ...(token !== undefined && { token }),
    ...(tls && { tls }),
    unauthenticated: config.node_auth === "none",
    maxQueue: config.node_max_queue,
    threads: config.node_threads,
    metadata: config.picture_metadata,
    concurrency: config.node_concurrency,
    provider: config.node_provider,
    ...(config.node_unload_s > 0 && { unloadAfterMs: config.node_unload_s * 1000 }),
    logger: log,
  });
  const server = await listening(starting, config).catch((error: unknown) => {
    if (!(error instanceof ExposedNodeError)) throw error;
    throw new UsageError(`host: ${error.message}; set node_token or node_tls_client_ca, or node_auth to none`);
  });
  await server.ready.catch(async (error: unknown) => {
    await server.close(0);
    throw error;
  });
  const stopping = new AbortController();
  void stop.then(() => stopping.abort());
  const self = { url: config.advertise_url ?? server.url, token };
  const membership =
    config.join === undefined || config.join_token === undefined
      ? undefined
      : await join(config.join, config.join_token, self, log, stopping.signal).catch(async (error: unknown) => {
          await server.close(0);
          throw new UsageError(error instanceof Error ? error.message : "the gateway was not joined");
        });
  const line = json ? JSON.stringify({ url: server.url, pid: process.pid }) : `node ready at ${server.url}`;
  process.stdout.write(`${line}\n`);
  await stop;
  if (membership) {
    await membership.leave();
    await new Promise((resolve) => setTimeout(resolve, FAREWELL_MS));
  }
  await server.close(config.drain_s * 1000);
}

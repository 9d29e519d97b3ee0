import { startNode } from "@atoma/node";
import type { Config } from "../config.ts";
import { createLogger } from "../logger.ts";
import { shutdownSignal } from "../shutdown.ts";
import { UsageError } from "../usage-error.ts";

/** `atoma node`: an AI node alone, for the model folders of the configuration. */
export async function node(config: Config): Promise<void> {
  if (config.models.length === 0)
    throw new UsageError("models: name at least one model folder, as with --models DIR,DIR");
  const stop = shutdownSignal();
  const server = await startNode({
    host: config.host ?? "127.0.0.1",
    port: config.port ?? 0,
    models: config.models.map((path) => ({ path })),
    ...(config.node_token !== undefined && { token: config.node_token }),
    maxQueue: config.node_max_queue,
    threads: config.node_threads,
    logger: createLogger(config.log_level),
  });
  await server.ready;
  process.stdout.write(`node ready at ${server.url}\n`);
  await stop;
  await server.close(config.drain_s * 1000);
}

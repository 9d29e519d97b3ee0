import { join } from "node:path";
import { ownLedger } from "@atoma/ledger";
import { type RunningNode, startNode } from "@atoma/node";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { ensureCredentials } from "../credentials.ts";
import { databaseUrl, dataFolder, lockDataFolder } from "../data-folder.ts";
import { createLogger } from "../logger.ts";
import { findModel, TINY } from "../models/registry.ts";
import { shutdownSignal } from "../shutdown.ts";
import { serveGateway } from "./serve-gateway.ts";

function greet(url: string, apiKey: string, signInLink: string, adminKeyIsIn: string): string {
  return [
    "",
    `  Atoma is ready at ${url}`,
    `  The playground, signed in (this link works once): ${signInLink}`,
    `  The dashboard: ${url}/admin (its key: ${adminKeyIsIn})`,
    `  API key: ${apiKey}`,
    `  The API, to read and to try: ${url}/docs`,
    "",
    "  Make a picture:",
    "",
    `  curl -s ${url}/v1/images/generations -H "Authorization: Bearer ${apiKey}" -H "Content-Type: application/json" \\`,
    `    -d '{"prompt":"a red circle on a blue background","response_format":"b64_json"}' \\`,
    `    | sed 's/.*"b64_json":"\\([^"]*\\)".*/\\1/' | base64 -d > picture.png`,
    "",
    "",
  ].join("\n");
}

async function startEmbeddedNode(config: Config, token: string, log: Logger): Promise<RunningNode> {
  const models = config.models.length > 0 ? config.models : [TINY.name];
  const node = await startNode({
    host: "127.0.0.1",
    port: 0,
    models: models.map((model) => ({ path: findModel(config.data, model), noise: config.node_noise })),
    token,
    maxQueue: config.node_max_queue,
    threads: config.node_threads,
    metadata: config.picture_metadata,
    concurrency: config.node_concurrency,
    provider: config.node_provider,
    ...(config.node_unload_s > 0 && { unloadAfterMs: config.node_unload_s * 1000 }),
    logger: log,
  });
  await node.ready.catch(async (error: unknown) => {
    await node.close(0);
    throw error;
  });
  return node;
}

/** `atoma up`: ledger, node with its models, and gateway in one go; runs until it is told to stop. */
export async function up(config: Config, json: boolean): Promise<void> {
  const stop = shutdownSignal();
  const log = createLogger(config.log_level);
  const drainMs = config.drain_s * 1000;
  using _ = lockDataFolder(config);
  await using cleanup = new AsyncDisposableStack();

  const ledger = await ownLedger(databaseUrl(config), { logger: log });
  cleanup.defer(() => ledger.close());
  const credentials = await ensureCredentials(config, ledger);
  const adminKey = config.admin_key ?? credentials.adminKey;

  const node = await startEmbeddedNode(config, credentials.nodeToken, log);
  cleanup.defer(() => node.close(drainMs));
  const nodes = [{ name: "embedded", url: node.url, token: credentials.nodeToken, trusted: true }, ...config.nodes];
  const gateway = await serveGateway(config, ledger, log, nodes, adminKey);
  cleanup.defer(() => gateway.close(drainMs));

  const { apiKey } = credentials;
  const signInLink = gateway.signInLink(apiKey) ?? gateway.url;
  const dataDir = dataFolder(config);
  if (json) {
    const line = { url: gateway.url, apiKey, adminKey, signInLink, node: { url: node.url }, dataDir, pid: process.pid };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  } else {
    const keptIn = `adminKey in ${join(dataDir, "credentials.json")}`;
    process.stdout.write(greet(gateway.url, apiKey, signInLink, config.admin_key ? "the admin_key you set" : keptIn));
  }
  await stop;
}

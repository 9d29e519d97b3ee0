import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Gateway, type NodeConfig, startGateway } from "@atoma/gateway";
import type { Ledger } from "@atoma/ledger";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { dataFolder } from "../data-folder.ts";
import { listening } from "../listen-error.ts";
import { s3Options } from "../s3-options.ts";

/** Where `npm run build` puts the page. */
const WEB = fileURLToPath(new URL("../../../web/dist", import.meta.url));

/** Starts a gateway as the configuration says, with these nodes and, given its key, the admin API. Throws ListenError. */
export async function serveGateway(
  config: Config,
  ledger: Ledger,
  log: Logger,
  nodes: readonly NodeConfig[],
  adminKey: string | undefined,
): Promise<Gateway> {
  const starting = startGateway({
    host: config.host ?? "127.0.0.1",
    port: config.port ?? 0,
    ledger,
    log,
    nodes,
    filesDir: join(dataFolder(config), "files"),
    s3: s3Options(config),
    modelAliases: config.model_aliases,
    defaultModel: config.default_model,
    unknownFields: config.unknown_fields,
    responseFormat: config.response_format,
    keepAliveMs: config.keep_alive_s * 1000,
    publicUrl: config.public_url,
    adminKey,
    webFolder: WEB,
    maxBodyBytes: config.max_body_bytes,
    bodyTimeoutMs: config.body_timeout_s * 1000,
    maxEditBodyBytes: config.max_edit_body_bytes,
    editBodyTimeoutMs: config.edit_body_timeout_s * 1000,
    generationTimeoutMs: config.generation_timeout_s * 1000,
    jobTimeoutMs: config.job_timeout_s * 1000,
    maxQueuedJobs: config.max_queued_jobs,
    maxRunningJobs: config.max_running_jobs,
    webhookTargets: config.webhook_targets,
    pictureMemoryBytes: config.picture_memory_bytes,
    slowReaderMs: config.slow_reader_s * 1000,
    leastBytesPerSecond: config.least_bytes_per_second,
    maxQueue: config.queue_max,
    queueTimeoutMs: config.queue_timeout_s * 1000,
    fileTtlMs: config.file_ttl_hours * 3_600_000,
  });
  return listening(starting, config);
}

import { errors } from "@atoma/contract";
import pino from "pino";
import { ExposedNodeError, isExposed } from "./exposed-host.ts";
import { createServer } from "./http/create-server.ts";
import { inFlight } from "./in-flight.ts";
import { modelShelf } from "./model-shelf.ts";
import { defaultThreads, type NodeOptions } from "./node-options.ts";
import { requestLog } from "./request-log.ts";
import { editsRoute } from "./routes/edits.ts";
import { generationsRoute } from "./routes/generations.ts";
import { healthRoutes } from "./routes/health.ts";
import { modelsRoutes } from "./routes/models.ts";
import { requestsRoutes } from "./routes/requests.ts";
import { systemTimers } from "./timers.ts";

/** How long responses may take to leave once nothing is generated any more. */
const LEAVE_MS = 2_000;
const DEFAULT_GRACE_MS = 30_000;

export interface RunningNode {
  /** Like http://127.0.0.1:4000, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Resolves when every model is loaded; rejects with ModelFolderError when one cannot be. */
  readonly ready: Promise<void>;
  /** Process ids of the model processes that run now. */
  readonly modelPids: readonly number[];
  /** Refuses new requests, lets running ones finish for `graceMs` (default 30,000), then ends everything. */
  close(graceMs?: number): Promise<void>;
}

/**
 * Starts an AI node. Resolves when it listens; models go on loading. Throws ModelFolderError when a model folder is wrong,
 * ExposedNodeError when other machines could use it without being asked for anything, and Node's own error when it cannot listen.
 */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { host = "127.0.0.1", port = 0, models, token, tls, threads = defaultThreads() } = options;
  const { metadata = "provenance" } = options;
  const { concurrency = 8, maxQueue = 8, provider = "auto", unloadAfterMs } = options;
  const timers = options.timers ?? systemTimers;
  const { generationMs = 600_000, requestMs = 30_000, startMs = 5_000 } = options.deadlines ?? {};
  const open = token === undefined && tls?.clientCa === undefined;
  if (open && isExposed(host) && options.unauthenticated !== true) throw new ExposedNodeError(host);
  const logger = options.logger ?? pino({ level: "silent" });

  const running = inFlight(timers);
  const app = createServer({ logger, token, tls, requestMs });
  const shelf = modelShelf({
    models,
    threads,
    metadata,
    concurrency,
    provider,
    unloadAfterMs,
    maxQueue,
    startMs,
    logger,
  });
  const log = requestLog(timers);
  const answering = { shelf, inFlight: running, log, logger, timers, generationMs };
  generationsRoute(app, answering);
  editsRoute(app, answering);
  requestsRoutes(app, answering);
  modelsRoutes(app, shelf);
  healthRoutes(app, shelf, running);
  try {
    await app.listen({ host, port });
  } catch (error) {
    await shelf.close();
    throw error;
  }
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new Error("the node listens on no port");
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;

  let closed: Promise<void> | undefined;
  const close = async (graceMs: number) => {
    await running.drain(graceMs, errors.shuttingDown());
    log.close(errors.shuttingDown());
    const stuck = timers.setTimeout(() => app.server.closeAllConnections(), LEAVE_MS);
    await app.close();
    timers.clearTimeout(stuck);
    await shelf.close();
  };
  return {
    url: `${tls ? "https" : "http"}://${name}:${address.port}`,
    port: address.port,
    ready: shelf.ready,
    get modelPids() {
      return shelf.queues.flatMap((queue) => queue.process.pid ?? []);
    },
    close: (graceMs = DEFAULT_GRACE_MS) => {
      closed ??= close(graceMs);
      return closed;
    },
  };
}

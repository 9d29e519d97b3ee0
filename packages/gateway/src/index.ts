import { pooledRandomBytes } from "@atoma/ledger";
import { openActivityCounts } from "./activity/activity-counts.ts";
import { openLiveRequests } from "./activity/live-requests.ts";
import { every, sleep, systemClock } from "./clock.ts";
import type { Context } from "./context.ts";
import { openDiskStore } from "./files/disk.ts";
import type { FileStore } from "./files/file-store.ts";
import { identifier } from "./generate/identify.ts";
import { openRefusedKeys } from "./generate/refused-keys.ts";
import { openUnderWay } from "./generate/under-way.ts";
import { sweepLedger } from "./holds/sweep.ts";
import { openVoidLater } from "./holds/void-later.ts";
import { startRunner } from "./jobs/runner.ts";
import { openRegistry } from "./nodes/registry.ts";
import { sharedNodes } from "./nodes/shared-nodes.ts";
import type { GatewayOptions } from "./options.ts";
import { pictureMemory } from "./pictures/picture-memory.ts";
import { buildServer } from "./server.ts";
import { openPage } from "./web/routes.ts";
import { withSessions } from "./web/session-routes.ts";
import { startDeliverer } from "./webhooks/deliver.ts";
import { openSender } from "./webhooks/sender.ts";

export { DIALECT_NAMES, type DialectName } from "@atoma/contract";
export { type CheckOptions, checkNode } from "./check-node.ts";
export { type Clock, systemClock } from "./clock.ts";
export type { ForeignName } from "./dialects/dialects.ts";
export type { S3Options } from "./files/s3.ts";
export { type NodeModel, readForeignModel, readForeignModels } from "./nodes/describe-model.ts";
export type { NodeConfig, NodeTls } from "./nodes/node.ts";
export type { GatewayOptions } from "./options.ts";
export { checkTarget, ForbiddenTarget } from "./webhooks/target.ts";

export interface Gateway {
  readonly url: string;
  readonly port: number;
  /** The page's address with a token that signs a browser in once with this API key; undefined without a page. */
  signInLink(apiKey: string): string | undefined;
  /**
   * Refuses new work, waits up to `graceMs` for what runs, then closes. What waits for a node is refused after half of that.
   * The ledger stays open.
   */
  close(graceMs?: number): Promise<void>;
}

const SWEEP_MS = 1000;
const FILE_SWEEP_MS = 60_000;
/** Of the time that a gateway has for ending: in which requests may still wait for a node. */
const WAIT_SHARE = 0.5;

async function openFiles({ s3, filesDir, log }: GatewayOptions): Promise<FileStore> {
  if (!s3) return openDiskStore(filesDir);
  const { openS3Store } = await import("./files/s3.ts"); // the AWS SDK, which most gateways never load
  return openS3Store(s3, log);
}

/** Counts what runs. */
function counter() {
  let running = 0;
  let onIdle: (() => void) | undefined;
  return {
    begin: () => void running++,
    end() {
      running--;
      if (running === 0) onIdle?.();
    },
    /** Resolves once nothing runs. */
    idle: (): Promise<void> =>
      new Promise((resolve) => {
        if (running === 0) resolve();
        else onIdle = resolve;
      }),
  };
}

/** Starts a gateway. Resolves when it accepts connections; nodes may come later. When it rejects, nothing is left running. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { ledger, log, clock = systemClock } = options;
  await using opened = new AsyncDisposableStack();
  const files = await openFiles(options);
  opened.defer(() => files.close());
  const registry = openRegistry({
    nodes: options.nodes,
    aliases: new Map(Object.entries(options.modelAliases ?? {})),
    log,
    clock,
    random: Math.random,
    maxQueue: options.maxQueue ?? 1000,
    queueTimeoutMs: options.queueTimeoutMs ?? 60_000,
  });
  opened.defer(() => registry.close());
  const shared = sharedNodes(ledger, options.nodes, registry.replace, { clock, log });
  opened.defer(() => shared.close());
  await shared.refresh();
  await registry.probe();
  const voidLater = openVoidLater(ledger, log, clock);
  opened.defer(() => voidLater.close());
  const activity = openActivityCounts(ledger, clock, log);
  opened.defer(() => activity.close());

  const publicUrl = options.publicUrl?.replace(/\/+$/, "");
  const page =
    options.webFolder === undefined
      ? undefined
      : openPage(options.webFolder, { ...options, publicUrl, now: clock.now });
  const identify = identifier(ledger, clock);
  let draining = false;
  const context: Context = {
    ledger,
    registry,
    configuredNodes: new Set(options.nodes.map(({ name }) => name)),
    refreshNodes: shared.refresh,
    files,
    log,
    clock,
    identify: page ? withSessions(identify, page.session) : identify,
    refusedKeys: openRefusedKeys(clock),
    randomBytes: pooledRandomBytes(),
    defaultModel: options.defaultModel,
    unknownFields: options.unknownFields ?? "reject",
    responseFormat: options.responseFormat ?? "both",
    keepAliveMs: options.keepAliveMs ?? 65_000,
    publicUrl,
    adminKey: options.adminKey,
    body: { maxBytes: options.maxBodyBytes ?? 256 * 1024, timeoutMs: options.bodyTimeoutMs ?? 15_000 },
    editBody: {
      maxBytes: options.maxEditBodyBytes ?? 64 * 1024 * 1024,
      timeoutMs: options.editBodyTimeoutMs ?? 60_000,
    },
    readerLimits: {
      windowMs: options.slowReaderMs ?? 30_000,
      leastBytesPerSecond: options.leastBytesPerSecond ?? 4096,
    },
    generationTimeoutMs: options.generationTimeoutMs ?? 600_000,
    ledgerPatienceMs: options.ledgerPatienceMs ?? 20_000,
    voidLater,
    activity,
    liveRequests: openLiveRequests(),
    underWay: openUnderWay(),
    pictureMemory: pictureMemory(options.pictureMemoryBytes ?? 32 * 2 ** 20, (error) => {
      log.warn({ err: error }, "a picture could not be stored, and stays in memory");
    }),
    jobTimeoutMs: options.jobTimeoutMs ?? 3_600_000,
    webhookTargets: options.webhookTargets ?? "public",
    maxQueuedJobs: options.maxQueuedJobs ?? 100,
    fileTtlMs: options.fileTtlMs ?? 25 * 3_600_000,
    draining: () => draining,
  };
  const deliverer = startDeliverer(context, openSender(context.webhookTargets));
  opened.defer(() => deliverer.close());
  const runner = startRunner(context, options.maxRunningJobs ?? 8);
  opened.defer(() => runner.close(0));
  const app = buildServer(context, runner, page);
  opened.defer(async () => {
    app.server.closeAllConnections();
    await app.close();
  });
  const requests = counter();
  app.server.on("request", (_request, response) => {
    requests.begin();
    response.once("close", requests.end);
  });

  /** One go at a time, however long it takes; a failure is logged, and the next go tries again. */
  const quietly = (what: string, work: () => Promise<unknown>) => {
    let busy = false;
    return async () => {
      if (busy) return;
      busy = true;
      await work().catch((error: unknown) => log.warn({ err: error }, `${what} failed`));
      busy = false;
    };
  };
  opened.defer(
    every(
      clock,
      SWEEP_MS,
      quietly("ledger sweep", () => sweepLedger(ledger, context.draining)),
    ),
  );
  opened.defer(
    every(
      clock,
      FILE_SWEEP_MS,
      quietly("file sweep", () => files.sweep(clock.now())),
    ),
  );

  const address = await app.listen({ host: options.host, port: options.port });
  const { port } = app.server.address() as { port: number }; // listening on TCP
  const url = address.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]");
  const started = opened.move();
  return {
    url,
    port,
    signInLink: (apiKey) => page && `${url}/#sign-in=${page.links.create(apiKey)}`,
    async close(graceMs = 30_000) {
      draining = true;
      const jobsEnded = runner.close(graceMs);
      // Requests still waiting for a node get 503 with Retry-After, so that clients try again, here or at another gateway.
      const late = clock.setTimeout(registry.refuseWaiting, graceMs * WAIT_SHARE);
      const enough = new AbortController();
      const grace = sleep(clock, graceMs, enough.signal).catch(() => {});
      await Promise.race([requests.idle(), grace]);
      enough.abort();
      await jobsEnded;
      clock.clearTimeout(late);
      await started.disposeAsync();
    },
  };
}

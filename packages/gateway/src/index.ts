import { type Ledger, pooledRandomBytes } from "@atoma/ledger";
import type { Logger } from "pino";
import type { Context } from "./context.ts";
import { openDiskStore } from "./files/disk.ts";
import type { FileStore } from "./files/file-store.ts";
import type { S3Options } from "./files/s3.ts";
import { authenticator } from "./generate/authenticate.ts";
import { openRefusedKeys } from "./generate/refused-keys.ts";
import { sweepLedger } from "./holds/sweep.ts";
import { openVoidLater } from "./holds/void-later.ts";
import { startRunner } from "./jobs/runner.ts";
import type { NodeConfig } from "./nodes/node.ts";
import { openRegistry } from "./nodes/registry.ts";
import { sharedNodes } from "./nodes/shared-nodes.ts";
import { buildServer } from "./server.ts";
import { openPage } from "./web/routes.ts";
import { withSessions } from "./web/session-routes.ts";
import { startDeliverer } from "./webhooks/deliver.ts";
import { openSender } from "./webhooks/sender.ts";
import type { WebhookTargets } from "./webhooks/target.ts";

export { DIALECT_NAMES, type DialectName } from "@atoma/contract";
export { type CheckOptions, checkNode } from "./check-node.ts";
export type { ForeignName } from "./dialects/dialects.ts";
export type { S3Options } from "./files/s3.ts";
export { type NodeModel, readForeignModel, readForeignModels } from "./nodes/describe-model.ts";
export type { NodeConfig, NodeTls } from "./nodes/node.ts";
export { checkTarget, ForbiddenTarget } from "./webhooks/target.ts";

export interface GatewayOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly nodes: readonly NodeConfig[];
  /** Folder for finished pictures. */
  readonly filesDir: string;
  /** Keeps finished pictures in a bucket instead, which several gateways can share. */
  readonly s3?: S3Options | undefined;
  /** Other names for models: alias → model id. */
  readonly modelAliases?: Readonly<Record<string, string>>;
  /** What a request without a model gets; without it such a request is refused. */
  readonly defaultModel?: string | undefined;
  /** What happens to request fields nobody knows. Default: they are refused. */
  readonly unknownFields?: "reject" | "ignore" | "forward";
  /** Origin that file URLs begin with, where a proxy stands before the gateway. */
  readonly publicUrl?: string | undefined;
  /** Opens the admin API under `/admin/v1`; without it there is none. */
  readonly adminKey?: string | undefined;
  /** Folder of the built page (`packages/web/dist`), which may be built later; without it there is no page. */
  readonly webFolder?: string | undefined;
  /** Largest request body. Default 256 KiB. */
  readonly maxBodyBytes?: number;
  /** How long a body may take to arrive. Default 15 s. */
  readonly bodyTimeoutMs?: number;
  /** Largest body of an edit, pictures included. Default 64 MiB. */
  readonly maxEditBodyBytes?: number;
  /** How long an edit's body may take to arrive. Default 60 s. */
  readonly editBodyTimeoutMs?: number;
  /** How long a generation may take, queueing included. Default 10 minutes. */
  readonly generationTimeoutMs?: number;
  /** How long a finished picture waits for a ledger that is away before its request fails. Default 20 s. */
  readonly ledgerPatienceMs?: number;
  /** How long an asynchronous generation may take, waiting included. Default an hour. */
  readonly jobTimeoutMs?: number;
  /** How many asynchronous generations of an account may wait. Default 100. */
  readonly maxQueuedJobs?: number;
  /** How many asynchronous generations this gateway runs at once. Default 8. */
  readonly maxRunningJobs?: number;
  /** Where webhooks may go: https to public addresses (the default), or anywhere, also over http. */
  readonly webhookTargets?: WebhookTargets;
  /** How many requests may wait for a node at a time. Default 1000. */
  readonly maxQueue?: number;
  /** How long a request may wait for a node. Default 60 s. */
  readonly queueTimeoutMs?: number;
  /** How long a picture's URL is good. Default 25 hours: longer than an idempotency key lives. */
  readonly fileTtlMs?: number;
}

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
const DRAIN_POLL_MS = 20;
/** Of the time that a gateway has for ending: in which requests may still wait for a node. */
const WAIT_SHARE = 0.5;

async function openFiles({ s3, filesDir, log }: GatewayOptions): Promise<FileStore> {
  if (!s3) return openDiskStore(filesDir);
  const { openS3Store } = await import("./files/s3.ts"); // the AWS SDK, which most gateways never load
  return openS3Store(s3, log);
}

/** Starts a gateway. Resolves when it accepts connections; nodes may come later. When it rejects, nothing is left running. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { ledger, log } = options;
  await using opened = new AsyncDisposableStack();
  const files = await openFiles(options);
  opened.defer(() => files.close());
  const registry = openRegistry({
    nodes: options.nodes,
    aliases: new Map(Object.entries(options.modelAliases ?? {})),
    log,
    random: Math.random,
    maxQueue: options.maxQueue ?? 1000,
    queueTimeoutMs: options.queueTimeoutMs ?? 60_000,
  });
  opened.defer(() => registry.close());
  const shared = sharedNodes(ledger, options.nodes, registry.replace, { now: Date.now, log });
  opened.defer(() => shared.close());
  await shared.refresh();
  await registry.probe();
  const voidLater = openVoidLater(ledger, log);
  opened.defer(() => voidLater.close());

  const publicUrl = options.publicUrl?.replace(/\/+$/, "");
  const page =
    options.webFolder === undefined ? undefined : openPage(options.webFolder, { ...options, publicUrl, now: Date.now });
  const authenticate = authenticator(ledger, Date.now);
  let draining = false;
  let running = 0;
  const context: Context = {
    ledger,
    registry,
    refreshNodes: shared.refresh,
    files,
    log,
    authenticate: page ? withSessions(authenticate, page.session) : authenticate,
    refusedKeys: openRefusedKeys(Date.now),
    now: Date.now,
    randomBytes: pooledRandomBytes(),
    defaultModel: options.defaultModel,
    unknownFields: options.unknownFields ?? "reject",
    publicUrl,
    adminKey: options.adminKey,
    body: { maxBytes: options.maxBodyBytes ?? 256 * 1024, timeoutMs: options.bodyTimeoutMs ?? 15_000 },
    editBody: {
      maxBytes: options.maxEditBodyBytes ?? 64 * 1024 * 1024,
      timeoutMs: options.editBodyTimeoutMs ?? 60_000,
    },
    generationTimeoutMs: options.generationTimeoutMs ?? 600_000,
    ledgerPatienceMs: options.ledgerPatienceMs ?? 20_000,
    voidLater,
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
  app.server.on("request", (_request, response) => {
    running++;
    response.once("close", () => {
      running--;
    });
  });

  /** One go at a time, however long it takes; a failure is told and tried again. */
  const quietly = (what: string, work: () => Promise<unknown>) => {
    let busy = false;
    return async () => {
      if (busy) return;
      busy = true;
      await work().catch((error: unknown) => log.warn({ err: error }, `${what} failed`));
      busy = false;
    };
  };
  const sweeps = [
    [SWEEP_MS, quietly("ledger sweep", () => sweepLedger(ledger, context.draining))],
    [FILE_SWEEP_MS, quietly("file sweep", () => files.sweep(Date.now()))],
  ] as const;
  for (const [everyMs, sweep] of sweeps) {
    const timer = setInterval(sweep, everyMs);
    timer.unref();
    opened.defer(() => clearInterval(timer));
  }

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
      const until = Date.now() + graceMs;
      const jobsEnded = runner.close(graceMs);
      // Who has no node by then would be cut off; who is told comes back, to another gateway or to the next one here.
      const late = setTimeout(registry.refuseWaiting, graceMs * WAIT_SHARE);
      while (running > 0 && Date.now() < until) await new Promise((r) => setTimeout(r, DRAIN_POLL_MS));
      await jobsEnded;
      clearTimeout(late);
      await started.disposeAsync();
    },
  };
}

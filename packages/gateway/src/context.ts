import type { Ledger, RandomBytes, ResponseDefault } from "@atoma/ledger";
import type { Logger } from "pino";
import type { ActivityCounts } from "./activity/activity-counts.ts";
import type { LiveRequests } from "./activity/live-requests.ts";
import type { Clock } from "./clock.ts";
import type { FileStore } from "./files/file-store.ts";
import type { Identify } from "./generate/identify.ts";
import type { RefusedKeys } from "./generate/refused-keys.ts";
import type { UnderWay } from "./generate/under-way.ts";
import type { VoidLater } from "./holds/void-later.ts";
import type { BodyLimits } from "./http/read-body.ts";
import type { ReaderLimits } from "./http/slow-readers.ts";
import type { Registry } from "./nodes/registry.ts";
import type { PictureMemory } from "./pictures/picture-memory.ts";
import type { WebhookTargets } from "./webhooks/target.ts";

/** What the steps and the other routes work with. Time and chance are arguments, so that tests own them. */
export interface Context {
  readonly ledger: Ledger;
  readonly registry: Registry;
  /** Names of the nodes in the configuration. */
  readonly configuredNodes: ReadonlySet<string>;
  /** Reads the list of nodes that gateways share now, not only when it is next looked at. */
  readonly refreshNodes: () => Promise<void>;
  readonly files: FileStore;
  readonly identify: Identify;
  readonly refusedKeys: RefusedKeys;
  readonly log: Logger;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly defaultModel: string | undefined;
  readonly unknownFields: "reject" | "ignore" | "forward";
  /** What an answer carries where neither the request nor its key says. */
  readonly responseFormat: ResponseDefault;
  /** How long a connection without a request stays open. */
  readonly keepAliveMs: number;
  /** Origin for file URLs; undefined: the one that the client called. */
  readonly publicUrl: string | undefined;
  /** Opens the admin API; without it there is none. */
  readonly adminKey: string | undefined;
  readonly body: BodyLimits;
  /** Of edits, which carry pictures. */
  readonly editBody: BodyLimits;
  /** What a client must take of its answer. */
  readonly readerLimits: ReaderLimits;
  readonly generationTimeoutMs: number;
  /** How long a finished picture waits for a ledger that is away. */
  readonly ledgerPatienceMs: number;
  readonly voidLater: VoidLater;
  readonly activity: ActivityCounts;
  readonly liveRequests: LiveRequests;
  readonly underWay: UnderWay;
  readonly pictureMemory: PictureMemory;
  /** How long an asynchronous generation may take, waiting included. */
  readonly jobTimeoutMs: number;
  readonly webhookTargets: WebhookTargets;
  /** How many of an account's jobs may wait. */
  readonly maxQueuedJobs: number;
  readonly fileTtlMs: number;
  /** Whether new work is refused because the gateway is about to stop. */
  readonly draining: () => boolean;
}

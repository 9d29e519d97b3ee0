import type { Ledger, ResponseDefault } from "@atoma/ledger";
import type { Logger } from "pino";
import type { Clock } from "./clock.ts";
import type { S3Options } from "./files/s3.ts";
import type { NodeConfig } from "./nodes/node.ts";
import type { WebhookTargets } from "./webhooks/target.ts";

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
  /** What the items of an answer carry where neither the request nor its key says. Default: url and b64_json. */
  readonly responseFormat?: ResponseDefault | undefined;
  /** How long a connection without a request stays open: longer than the balancer in front keeps one. Default 65 s. */
  readonly keepAliveMs?: number;
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
  /**
   * How often it is looked at whether a client takes its answer: one that stands still is cut off after this long, or twice as
   * long. Default 30 s.
   */
  readonly slowReaderMs?: number;
  /** A client that takes less of an answer is cut off; what was charged can be fetched with its idempotency key. Default 4,096. */
  readonly leastBytesPerSecond?: number;
  /** Memory for pictures on their way to clients, together; beyond it they wait in the file store. Default 32 MiB. */
  readonly pictureMemoryBytes?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
}

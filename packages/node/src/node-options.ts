import { availableParallelism } from "node:os";
import type { NoiseSource, PictureMetadata, ProviderChoice } from "@atoma/engine";
import type { Logger } from "pino";
import type { Timers } from "./timers.ts";

/** A model folder to serve; `id` replaces the one in its card. */
export interface ServedModel {
  readonly path: string;
  readonly id?: string;
  /** Whose sequence a seed stands for: torch's on a CPU (default), or on a large GPU. */
  readonly noise?: NoiseSource;
}

/** How long things may take, in milliseconds. */
export interface Deadlines {
  /** Queueing and generating together; `x-atoma-timeout-ms` can only shorten it. Default 600,000. */
  readonly generationMs?: number;
  /** Receiving a request's headers and body. Default 30,000. */
  readonly requestMs?: number;
  /** Waiting for a model process that loads or restarts before the answer is 503. Default 5,000. */
  readonly startMs?: number;
}

/** What https is served with; PEM. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  /** Where it is set, clients must have a certificate that it has signed. */
  readonly clientCa?: string;
}

export interface NodeOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 (the default) takes any free one. */
  readonly port?: number;
  readonly models: readonly ServedModel[];
  /** Where it is set, requests below /v1 must bear it: `Authorization: Bearer <token>`. */
  readonly token?: string;
  /**
   * Lets anybody who reaches the node use it. Without it a node that listens beyond this machine, with neither a token nor
   * a `clientCa`, does not start.
   */
  readonly unauthenticated?: boolean;
  /** Default: plain http. */
  readonly tls?: ServerTls;
  /** What networks run on. Default `auto`: the best that loads. */
  readonly provider?: ProviderChoice;
  /** After how long without a request a model is unloaded, to come back with the next one. Default: never. */
  readonly unloadAfterMs?: number;
  /** How many requests a model makes at a time; their steps take turns. Default 8. */
  readonly concurrency?: number;
  /** How many requests may wait for a model besides those that it makes. Default 8. */
  readonly maxQueue?: number;
  /** Threads of each model process. Default: one fewer than there are cores, 1 to 8. */
  readonly threads?: number;
  /** What a picture's file says of how it was made. Default: its provenance. */
  readonly metadata?: PictureMetadata;
  /** Default: a silent one. */
  readonly logger?: Logger;
  readonly deadlines?: Deadlines;
  /** What waits: for deadlines, for readers that come back, for what is forgotten. Default: the system's. */
  readonly timers?: Timers;
}

export function defaultThreads(): number {
  return Math.min(8, Math.max(1, availableParallelism() - 1));
}

import type { ApiError, DialectName, EditJob, GenerationEvent, ImageJob } from "@atoma/contract";

/** A job as one kind of node wants to be asked. */
export interface NodeRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** An answer that broke off, so that nobody knows what became of the rest. */
export class CutOffError extends Error {
  override readonly name = "CutOffError";
}

/** What a dialect needs to know of the one attempt that it translates. */
export interface Attempt {
  /** The node's own name for the model. */
  readonly model: string;
  /** Chosen for this attempt, 0 to 2^32 − 1: for servers that would otherwise use the same one for everybody. */
  readonly seed: number;
  /** Gets a picture from the node's own origin, at most `maxBytes` of it, without following redirects. */
  readonly fetchPicture: (url: string, maxBytes: number) => Promise<Uint8Array>;
}

/** How to speak with one kind of node: pure functions. Quirks live here and nowhere else. */
export interface Dialect {
  readonly name: DialectName;
  /** Why this kind of node cannot do the job as the client set it: ApiError 400 that names the field. */
  readonly refusal: (job: ImageJob) => ApiError | undefined;
  /** For a job that is not refused. */
  readonly request: (job: ImageJob, attempt: Attempt) => NodeRequest;
  /** The same for an edit; without it such nodes take no pictures. */
  readonly editRequest?: (job: EditJob, attempt: Attempt) => NodeRequest;
  /** Throws on bytes that are no answer of such a node. */
  readonly events: (
    body: AsyncIterable<Uint8Array>,
    job: ImageJob,
    attempt: Attempt,
  ) => AsyncGenerator<GenerationEvent>;
  /** A path that answers 200 while the node is up, and never generates. */
  readonly probePath: string;
  readonly probeMs: number;
  /** Where it tells in Prometheus's format how many requests it has, and the gauges that add up to that. */
  readonly metrics?: { readonly path: string; readonly requests: readonly string[] };
  /** Where a generation is asked about, and cancelled, by the id that its request had; only some remember. */
  readonly requestPath?: (requestId: string) => string;
  /**
   * Each request gets a connection of its own: on one that the server is about to close, as when it restarts, nobody would know
   * whether the request began. For servers that are near, and remember none.
   */
  readonly ownConnections?: boolean;
  /** How many requests it gets at a time where the operator does not say. */
  readonly maxConcurrent: number;
}

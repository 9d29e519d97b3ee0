import type { ApiError, DialectName, EditJob, GenerationEvent, ImageJob } from "@atoma/contract";

/** A job as one kind of node wants to be asked. */
export interface NodeRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** An answer that broke off, so that it is not known what became of the rest. */
export class CutOffError extends Error {
  override readonly name = "CutOffError";
}

/** What one attempt adds to a job. */
export interface Assignment {
  /** The node's own name for the model. */
  readonly model: string;
  /** Chosen for this attempt, 0 to 2^32 − 1: for servers that would otherwise use the same one for everybody. */
  readonly seed: number;
}

/** A picture that the node answered with as a URL. */
export interface PictureUrl {
  readonly type: "url";
  readonly index: number;
  readonly url: string;
  /** No picture of the job has more bytes. */
  readonly maxBytes: number;
  readonly seed: number | undefined;
}

export type AnswerEvent = GenerationEvent | PictureUrl;

/** Reads the body of one answer. Synchronous; whoever reads the connection decides when the next bytes come. */
export interface AnswerReader {
  /**
   * The events that are whole with these bytes, in order, to be read to the end. Throws on what is no answer of such a node, but
   * only when the events before it have been read.
   */
  push(chunk: Uint8Array): Iterable<AnswerEvent>;
  /** The body has ended: what is left of the answer. Throws CutOffError where that is not whole. */
  end(): Iterable<AnswerEvent>;
  /** Bytes that the event under way will take in memory, as far as its beginning tells. */
  readonly needs: number;
  /** Of a reader that keeps a body whole until its end: the longest body that it takes. */
  readonly keepsWhole?: number;
}

/** How to speak with one kind of node: pure functions. Quirks live here and nowhere else. */
export interface Dialect {
  readonly name: DialectName;
  /** Why this kind of node cannot do the job as the client set it: ApiError 400 that names the field. */
  readonly refusal: (job: ImageJob) => ApiError | undefined;
  /** For a job that is not refused. */
  readonly request: (job: ImageJob, assignment: Assignment) => NodeRequest;
  /** The same for an edit; without it such nodes take no pictures. */
  readonly editRequest?: (job: EditJob, assignment: Assignment) => NodeRequest;
  /** Such nodes turn a picture as its EXIF orientation says; to others only upright ones are sent. */
  readonly turnsPictures?: boolean;
  readonly reader: (job: ImageJob, assignment: Assignment) => AnswerReader;
  /** A path that answers 200 while the node is up, and never generates. */
  readonly probePath: string;
  readonly probeMs: number;
  /** Where it tells in Prometheus's format how many requests it has, and the gauges that add up to that. */
  readonly metrics?: { readonly path: string; readonly requests: readonly string[] };
  /** Where a generation is asked about, and cancelled, by the id that its request had; only some remember. */
  readonly requestPath?: (requestId: string) => string;
  /**
   * Each request gets a connection of its own: on one that the server is about to close, as when it restarts, it is not known
   * whether the request began. For servers that are near, and remember none.
   */
  readonly ownConnections?: boolean;
  /** How many requests it gets at a time where the operator does not say. */
  readonly maxConcurrent: number;
}

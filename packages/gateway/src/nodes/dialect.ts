import type { EditJob, GenerationEvent, ImageJob } from "@atoma/contract";

/** A job as one kind of node wants to be asked. */
export interface NodeRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** How to speak with one kind of node: pure functions. Quirks live here and nowhere else. */
export interface Dialect {
  readonly name: string;
  readonly request: (job: ImageJob) => NodeRequest;
  /** The same for an edit; without it such nodes take no pictures. */
  readonly editRequest?: (job: EditJob) => NodeRequest;
  /** Throws on bytes that are no answer of such a node. */
  readonly events: (body: AsyncIterable<Uint8Array>, job: ImageJob) => AsyncGenerator<GenerationEvent>;
}

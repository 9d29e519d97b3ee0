/** A request that wants a node. Work is in pixel-steps: pictures × width × height × steps. */
export interface Ticket {
  readonly account: string;
  readonly model: string;
  readonly work: number;
  /** Until when it may wait for a node, in ms. */
  readonly waitUntil: number;
  /** Whether a node can do it at all. */
  readonly suits: (node: string) => boolean;
  /** Nodes that have not begun it, or could not be reached: asked again, but rather others, and only while it may wait. */
  readonly asked: ReadonlySet<string>;
  /** Nodes that have lost it: asked again only where no other one is free. */
  readonly lostBy?: ReadonlySet<string>;
}

/** What a node says of itself. */
export type LoadReport =
  | {
      /** What it has to do, of whoever asked. */
      readonly pendingPixelSteps: number;
      /** By model; undefined where it does not know. */
      readonly secondsPerPixelStep: ReadonlyMap<string, number>;
    }
  | {
      /** How many requests it has, of whoever asked. */
      readonly pendingRequests: number;
      /** What each of those is taken to be that others sent. */
      readonly pixelStepsEach: number;
    };

export type Outcome =
  /** It answered, be it with a refusal of the request. */
  | "answered"
  /** It made a picture. */
  | "made"
  /** It broke off, or its answer was no answer. */
  | "failed"
  /** No connection: nothing has begun. */
  | "unreachable"
  /** It said that it has not begun. */
  | { readonly busyForMs: number }
  /** Nobody waits for it any more. */
  | "abandoned";

export type Decision =
  | { readonly ticket: Ticket; readonly node: string }
  | { readonly ticket: Ticket; readonly refused: "unreachable" }
  | { readonly ticket: Ticket; readonly refused: "overloaded"; readonly retryAfterMs: number };

export interface NodeFacts {
  readonly maxConcurrent: number;
  readonly ready: boolean;
  /** Gets nothing new any more. */
  readonly draining: boolean;
  /** While it is not ready, or draining: until when it is expected to be back, as one is that restarts, in ms. */
  readonly expectedUntil?: number | undefined;
}

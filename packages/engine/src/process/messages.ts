import type { GenerationEvent } from "@atoma/contract";
import type { PictureMetadata } from "../pipeline/parameters.ts";
import type { PictureRequest } from "../pipeline/picture-request.ts";

/** Where the time of one job went, in milliseconds. */
export interface Timings {
  /** Within the networks; of runs that were shared with other requests, this one's share. */
  readonly runMs: number;
  /** Waiting while the networks of other requests ran. */
  readonly waitMs: number;
  /** From the job's arrival in the model process to its last event. */
  readonly totalMs: number;
}

/** What a model process is told on its command line, as JSON. */
export interface ChildOptions {
  readonly path: string;
  readonly threads: number;
  readonly metadata: PictureMetadata;
}

/** Parent to model process. */
export type Order =
  | { readonly type: "generate"; readonly id: number; readonly request: PictureRequest }
  | { readonly type: "cancel"; readonly id: number };

/** What the first run after loading took, which nobody waits for. */
export type WarmUp = Timings & { readonly pixelSteps: number };

/** Model process to parent, about the order with this id. */
export type JobReport =
  | { readonly type: "event"; readonly id: number; readonly event: GenerationEvent }
  | { readonly type: "finished"; readonly id: number; readonly timings: Timings }
  | { readonly type: "cancelled"; readonly id: number }
  /** A picture that was given is not to be decoded. */
  | { readonly type: "refused"; readonly id: number; readonly param: "image" | "mask" }
  | { readonly type: "failed"; readonly id: number; readonly message: string };

/** Model process to parent. */
export type Report =
  | { readonly type: "ready"; readonly warmUp: WarmUp }
  /** The folder cannot be loaded; the process ends. */
  | { readonly type: "unloadable"; readonly message: string }
  | JobReport;

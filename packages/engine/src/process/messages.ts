import type { GenerationEvent } from "@atoma/contract";
import type { Provider, ProviderChoice } from "../network/runtime.ts";
import type { PictureMetadata } from "../pipeline/parameters.ts";
import type { PictureRequest } from "../pipeline/picture-request.ts";
import type { NoiseSource } from "../random/create-generator.ts";

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
  readonly provider: ProviderChoice;
  readonly noise: NoiseSource;
}

/** How a model was loaded. */
export interface LoadedFacts {
  readonly provider: Provider;
  /** Number type of the denoiser's input. */
  readonly precision: string;
  /** Resident memory of the process after the warm-up, in MiB. */
  readonly memoryMiB: number;
  /** How many pictures share a batch where their shapes are the same; 1 where the provider gains nothing by it. */
  readonly batch: number;
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
  /** The scheduler cannot run so many steps. */
  | { readonly type: "steps"; readonly id: number; readonly message: string }
  | { readonly type: "failed"; readonly id: number; readonly message: string; readonly outOfMemory: boolean };

/** Model process to parent. */
export type Report =
  | { readonly type: "ready"; readonly warmUp: WarmUp; readonly facts: LoadedFacts }
  /** The folder cannot be loaded; the process ends. */
  | { readonly type: "unloadable"; readonly message: string }
  | JobReport;

import type { ImageData } from "./imagedata.ts";
import type { Notes } from "./notes.ts";
import type { Usage } from "./usage.ts";

interface StreamedPicture extends ImageData {
  /** Unix time, seconds. */
  createdAt?: number;
  size?: string;
  quality?: string;
  background?: string;
  outputFormat?: string;
}

/** An unfinished picture. */
export interface ImagePartialEvent<Type = "image_generation.partial_image"> extends StreamedPicture {
  type: Type;
  /** From 0. */
  partialImageIndex: number;
}

/** A finished picture. One comes for each of the `n` that were asked for. */
export interface ImageCompletedEvent<Type = "image_generation.completed"> extends StreamedPicture {
  type: Type;
  usage?: Usage;
  notes?: Notes;
}

/** How far the server is, from servers that tell it and when `progress: true` asks for it. */
export interface ImageProgressEvent<Type = "image_generation.progress"> {
  type: Type;
  /** Denoising steps done, 1 to `steps`. */
  step: number;
  steps: number;
  createdAt?: number;
}

export type ImageStreamEvent = ImagePartialEvent | ImageCompletedEvent | ImageProgressEvent;

/** What the stream of an edit tells. */
export type ImageEditStreamEvent =
  | ImagePartialEvent<"image_edit.partial_image">
  | ImageCompletedEvent<"image_edit.completed">
  | ImageProgressEvent<"image_edit.progress">;

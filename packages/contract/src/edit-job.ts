import type { InputFidelity } from "./fields.ts";
import type { ImageJob } from "./image-job.ts";
import type { InputImage } from "./input-image.ts";

/** A validated edit: what to make, and the pictures to make it from. Built once, by `parseEditRequest`. */
export interface EditJob extends ImageJob {
  /** 1 to `card.maxInputImages` pictures, in the order in which they were given. */
  readonly images: readonly InputImage[];
  /** A PNG of the size of the first picture; what is transparent in it is to be painted anew. */
  readonly mask: InputImage | undefined;
  /** How closely the pictures are to be kept to; undefined: as the model does by itself. */
  readonly inputFidelity: InputFidelity | undefined;
}

/** Whether a job has its pictures with it. */
export function isEdit(job: ImageJob): job is EditJob {
  return "images" in job;
}

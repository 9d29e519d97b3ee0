import type { ImageJob } from "./image-job.ts";
import type { InputImage } from "./input-image.ts";

/** A validated edit: what to make, and the pictures to make it from. Built once, by `parseEditRequest`. */
export interface EditJob extends ImageJob {
  /** 1 to 16 pictures, in the order in which they were given. */
  readonly images: readonly InputImage[];
  /** A PNG of the size of the first picture; what is transparent in it is to be painted anew. */
  readonly mask: InputImage | undefined;
}

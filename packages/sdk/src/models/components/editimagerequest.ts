import type { OpenEnum } from "../../types/enums.ts";
import type { ImageOptions } from "./createimagerequest.ts";

/** A picture to send: a Blob or File, or its bytes. The format is found in the bytes where the Blob does not say. */
export type ImageInput = Blob | ArrayBuffer | Uint8Array;

export interface EditImageRequest extends ImageOptions {
  /** One picture, or 1 to 16. */
  image: ImageInput | readonly ImageInput[];
  /** A PNG of the same size; its transparent parts are painted anew. */
  mask?: ImageInput | null | undefined;
  inputFidelity?: OpenEnum<"high" | "low"> | null | undefined;
}

export interface EditImageStreamRequest extends EditImageRequest {
  /** How many unfinished pictures to send on the way, 0 to 3. Default 0. */
  partialImages?: number | null | undefined;
}

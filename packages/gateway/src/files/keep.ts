import type { GeneratedImage, ImageJob } from "@atoma/contract";
import { fileName } from "./file-name.ts";
import type { FileStore } from "./file-store.ts";

export interface KeepContext {
  readonly files: FileStore;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly expiresAtMs: number;
  /** Whether the answer must be fetched again under its idempotency key. */
  readonly replayable: boolean;
}

/** Whether a picture of this job needs a file: for its url, or to answer the same request again. */
export function needsFile(job: ImageJob, replayable: boolean): boolean {
  return replayable || (!job.stream && job.responseFormat !== "b64_json");
}

/** Stores the pictures that need a file. */
export async function keepImages(
  job: ImageJob,
  images: readonly GeneratedImage[],
  context: KeepContext,
): Promise<(GeneratedImage & { file: string | undefined })[]> {
  const kept: (GeneratedImage & { file: string | undefined })[] = [];
  for (const image of images) {
    let file: string | undefined;
    if (needsFile(job, context.replayable)) {
      file = fileName(context.expiresAtMs, context.randomBytes(18), image.format);
      await context.files.put(file, image.bytes);
    }
    kept.push({ ...image, file });
  }
  return kept;
}

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
function needsFile(job: ImageJob, replayable: boolean): boolean {
  return replayable || (!job.stream && job.responseFormat !== "b64_json");
}

/** Stores the pictures that need a file, all at once: there are ten at most. */
export async function keepImages(
  job: ImageJob,
  images: readonly GeneratedImage[],
  { files, randomBytes, expiresAtMs, replayable }: KeepContext,
): Promise<(GeneratedImage & { file: string | undefined })[]> {
  const wanted = needsFile(job, replayable);
  return Promise.all(
    images.map(async (image) => {
      const file = wanted ? fileName(expiresAtMs, randomBytes(18), image.format) : undefined;
      if (file !== undefined) await files.put(file, image.bytes);
      return { ...image, file };
    }),
  );
}

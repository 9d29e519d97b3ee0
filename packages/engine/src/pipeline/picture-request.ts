import type { ImageJob } from "@atoma/contract";

/** What a pipeline needs to know to make the pictures of one job. Plain data: it crosses a process border. */
export interface PictureRequest {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly n: number;
  readonly width: number;
  readonly height: number;
  readonly outputFormat: ImageJob["outputFormat"];
  /** 0 to 100. */
  readonly outputCompression: number;
  readonly partialImages: number;
  /** Of the first picture, 0 to 2^32 − 1. */
  readonly seed: number;
  readonly steps: number;
  readonly guidanceScale: number;
}

/** `randomSeed` gives the seed where the job has none. */
export function toPictureRequest(job: ImageJob, randomSeed: () => number): PictureRequest {
  const { prompt, negativePrompt, n, width, height, outputFormat, outputCompression, partialImages } = job;
  return {
    prompt,
    negativePrompt,
    n,
    width,
    height,
    outputFormat,
    outputCompression,
    partialImages,
    seed: job.seed ?? randomSeed(),
    steps: job.steps,
    guidanceScale: job.guidanceScale,
  };
}

/** How many events making these pictures gives, at the most; the bound of every buffer that holds them. */
export function mostEvents({ n, steps, partialImages }: Pick<PictureRequest, "n" | "steps" | "partialImages">): number {
  return n * (steps + partialImages + 1) + 1;
}

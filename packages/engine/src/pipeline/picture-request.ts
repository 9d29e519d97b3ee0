import { type ImageJob, isEdit } from "@atoma/contract";
import { EXTRA_EVALUATIONS } from "../schedulers/scheduler.ts";
import { strengthOf } from "./strength.ts";

/** The pictures of an edit, still encoded. */
export interface EditInput {
  readonly image: Uint8Array;
  /** A PNG; what is transparent in it is painted anew. */
  readonly mask: Uint8Array | undefined;
  /** Above 0, up to 1: how far the picture is left. */
  readonly strength: number;
}

/** What a pipeline needs to know to make the pictures of one job. Plain data: it crosses a process border. */
export interface PictureRequest {
  readonly prompt: string;
  /** Undefined where none is given, which is not the same as an empty one for some models. */
  readonly negativePrompt: string | undefined;
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
  /** One of the card's; left out: the model's own. */
  readonly scheduler?: string;
  /** What to start from instead of noise alone. */
  readonly edit?: EditInput;
}

function editInput(job: ImageJob): EditInput | undefined {
  if (!isEdit(job)) return undefined;
  const [image] = job.images;
  if (!image || job.images.length > 1) throw new RangeError("an edit starts from one picture here");
  return { image: image.bytes, mask: job.mask?.bytes, strength: strengthOf(job) };
}

/** `randomSeed` gives the seed where the job has none. */
export function toPictureRequest(job: ImageJob, randomSeed: () => number): PictureRequest {
  const { prompt, negativePrompt, n, width, height, outputFormat, outputCompression, partialImages } = job;
  const edit = editInput(job);
  return {
    prompt,
    negativePrompt: job.given.has("negative_prompt") ? negativePrompt : undefined,
    n,
    width,
    height,
    outputFormat,
    outputCompression,
    partialImages,
    seed: job.seed ?? randomSeed(),
    steps: job.steps,
    guidanceScale: job.guidanceScale,
    ...(job.scheduler !== undefined && { scheduler: job.scheduler }),
    ...(edit && { edit }),
  };
}

/** How many events making these pictures gives, at the most; the bound of every buffer that holds them. */
export function mostEvents({ n, steps, partialImages }: Pick<PictureRequest, "n" | "steps" | "partialImages">): number {
  return n * (steps + EXTRA_EVALUATIONS + partialImages + 1) + 1;
}

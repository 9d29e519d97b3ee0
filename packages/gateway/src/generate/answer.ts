import { formatSize, type ImageJob, type Notes, type OutputFormat, type Usage } from "@atoma/contract";
import type { Picture } from "../pictures/picture.ts";

/** One picture of an answer: itself while the request that made it lasts, its stored file where one is kept. */
export interface AnswerItem {
  readonly seed: number | undefined;
  readonly picture?: Picture | undefined;
  readonly file: string | undefined;
}

/** Everything a response is rendered from. Without the bytes it is what an idempotency key remembers. */
export interface Answer {
  /** What its stream events are named after. */
  readonly operation: ImageJob["operation"];
  /** Unix seconds. */
  readonly created: number;
  readonly size: string;
  readonly quality: string;
  readonly background: string;
  readonly outputFormat: OutputFormat;
  readonly responseFormat: "url" | "b64_json" | undefined;
  readonly stream: boolean;
  readonly usage: Usage | undefined;
  readonly notes?: Notes | undefined;
  readonly items: readonly AnswerItem[];
}

export function toAnswer(
  job: ImageJob,
  items: readonly AnswerItem[],
  { usage, notes }: Pick<Answer, "usage" | "notes">,
  nowMs: number,
): Answer {
  return {
    operation: job.operation,
    created: Math.floor(nowMs / 1000),
    size: formatSize(job),
    quality: job.quality,
    background: job.background,
    outputFormat: job.outputFormat,
    responseFormat: job.responseFormat,
    stream: job.stream,
    usage,
    notes,
    items,
  };
}

/** The answer as the ledger keeps it: fields and file names, no pictures. */
export function serializeAnswer(answer: Answer): string {
  return JSON.stringify({ ...answer, items: answer.items.map(({ seed, file }) => ({ seed, file })) });
}

export function deserializeAnswer(text: string): Answer {
  // Written by serializeAnswer and kept by our own ledger.
  const answer = JSON.parse(text) as Answer;
  // Answers of before there were edits do not say what they are.
  return { ...answer, operation: answer.operation ?? "image_generation" };
}

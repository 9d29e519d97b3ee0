import type { ImageJob } from "@atoma/contract";

/** A validated request as text, with everything that was decided when it was accepted, its price included. */
export function serializeRequest(job: ImageJob): string {
  return JSON.stringify({ ...job, given: [...job.given] });
}

export function deserializeRequest(text: string): ImageJob {
  // Written by serializeRequest and kept by our own ledger.
  const { given, ...rest } = JSON.parse(text) as Omit<ImageJob, "given"> & { given: string[] };
  return { ...rest, given: new Set(given) };
}

import { formatSize, type GenerationEvent, type ImageJob } from "@atoma/contract";
import { cborReader } from "./cbor-events.ts";
import type { AnswerReader, Dialect } from "./dialect.ts";
import { isRecord } from "./is-record.ts";
import { postEdit } from "./openai-like.ts";
import { isCount, readUsage } from "./usage.ts";

/** Largest single event: a lossless picture of 3840 × 2160 pixels is below 36 MB. */
const MAX_EVENT_BYTES = 64 * 2 ** 20;

/** Checks the shape that the gateway relies on; whether it is what was ordered is checked later. */
function toEvent(item: unknown): GenerationEvent {
  if (isRecord(item)) {
    const { type, bytes, index, seed } = item;
    const right =
      (type === "progress" && isCount(index) && isCount(item.step) && isCount(item.steps)) ||
      (type === "partial" && isCount(index) && isCount(item.partial) && bytes instanceof Uint8Array) ||
      (type === "image" && isCount(index) && (seed === undefined || isCount(seed)) && bytes instanceof Uint8Array) ||
      (type === "done" && (item.usage === undefined || readUsage(item.usage) !== undefined)) ||
      (type === "error" && typeof item.code === "string");
    // Each member's required fields were checked just above.
    if (right) return item as unknown as GenerationEvent;
  }
  throw new Error("not a generation event");
}

function eventReader(): AnswerReader {
  const cbor = cborReader(MAX_EVENT_BYTES);
  return {
    *push(chunk) {
      for (const item of cbor.push(chunk)) yield toEvent(item);
    },
    end() {
      cbor.end();
      return [];
    },
    get needs() {
      return cbor.needs;
    },
  };
}

/** The request as our node's fields have it. */
function fieldsOf(job: ImageJob): Readonly<Record<string, unknown>> {
  return {
    ...job.extra,
    model: job.card.id,
    prompt: job.prompt,
    negative_prompt: job.negativePrompt || undefined,
    n: job.n,
    size: formatSize(job),
    quality: job.quality,
    style: job.style,
    background: job.background,
    moderation: job.moderation,
    output_format: job.outputFormat,
    output_compression: job.outputCompression,
    steps: job.steps,
    guidance_scale: job.guidanceScale,
    scheduler: job.scheduler,
    seed: job.seed,
    partial_images: job.stream ? job.partialImages : 0,
  };
}

/** Our own node: the OpenAI request, answered with a CBOR sequence (RFC 8742) of events whose pictures are raw bytes. */
export const atoma: Dialect = {
  name: "atoma",
  refusal: () => undefined,
  request: (job: ImageJob) => ({
    path: "/v1/images/generations",
    headers: { "content-type": "application/json", accept: "application/cbor-seq" },
    body: JSON.stringify(fieldsOf(job)),
  }),
  editRequest: (job) => {
    const request = postEdit(job, { ...fieldsOf(job), input_fidelity: job.inputFidelity });
    return { ...request, headers: { ...request.headers, accept: "application/cbor-seq" } };
  },
  turnsPictures: true,
  reader: eventReader,
  probePath: "/readyz",
  probeMs: 2_000,
  requestPath: (requestId) => `/v1/requests/${encodeURIComponent(requestId)}`,
  // As many as a node takes by default, so that those that wait do it here, where accounts take turns.
  maxConcurrent: 8,
};

import { formatSize, type GenerationEvent, type ImageJob } from "@atoma/contract";
import { Decoder } from "cbor-x";
import type { Dialect } from "./dialect.ts";

/** Largest single event: a lossless picture of 3840 × 2160 pixels is below 36 MB. */
const MAX_EVENT_BYTES = 64 * 2 ** 20;

const decoder = new Decoder({ useRecords: false, mapsAsObjects: true });

/** Decodes the items that are complete; returns them and how many bytes they took. */
function decodeComplete(buffer: Uint8Array): { items: unknown[]; used: number } {
  const items: unknown[] = [];
  let used = 0;
  try {
    decoder.decodeMultiple(buffer, (item: unknown, _start?: number, end?: number) => {
      items.push(item);
      used = end ?? used;
    });
    return { items, used: buffer.length };
  } catch (error) {
    if (error instanceof Error && "incomplete" in error && error.incomplete === true) return { items, used };
    throw error;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Checks the shape that the gateway relies on; the pictures themselves are checked by `verifyImage`. */
function toEvent(item: unknown): GenerationEvent {
  if (isRecord(item)) {
    const { type, bytes, index } = item;
    const indexed = Number.isSafeInteger(index);
    const right =
      (type === "progress" && indexed && typeof item.step === "number" && typeof item.steps === "number") ||
      (type === "partial" && indexed && typeof item.partial === "number" && bytes instanceof Uint8Array) ||
      (type === "image" && indexed && bytes instanceof Uint8Array) ||
      type === "done" ||
      (type === "error" && typeof item.code === "string");
    // Each member's required fields were checked just above.
    if (right) return item as unknown as GenerationEvent;
  }
  throw new Error("not a generation event");
}

async function* events(body: AsyncIterable<Uint8Array>): AsyncGenerator<GenerationEvent> {
  let pending = Buffer.alloc(0);
  for await (const chunk of body) {
    pending = pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([pending, chunk]);
    const { items, used } = decodeComplete(pending);
    pending = pending.subarray(used);
    if (pending.length > MAX_EVENT_BYTES) throw new Error("event too large");
    for (const item of items) yield toEvent(item);
  }
  if (pending.length > 0) throw new Error("truncated event");
}

/** Our own node: the OpenAI request, answered with a CBOR sequence (RFC 8742) of events whose pictures are raw bytes. */
export const atoma: Dialect = {
  name: "atoma",
  request: (job: ImageJob) => ({
    path: "/v1/images/generations",
    headers: { "content-type": "application/json", accept: "application/cbor-seq" },
    body: JSON.stringify({
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
      seed: job.seed,
      partial_images: job.stream ? job.partialImages : 0,
    }),
  }),
  events,
};

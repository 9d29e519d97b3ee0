import { formatSize, type GenerationEvent, type ImageJob } from "@atoma/contract";
import { type Abilities, refuseUnable } from "./abilities.ts";
import type { Attempt, Dialect } from "./dialect.ts";
import { foreignEvents } from "./foreign-answer.ts";
import { openaiStream } from "./openai-stream.ts";
import { postEdit } from "./post-edit.ts";
import { postJson } from "./post-json.ts";

export const OPENAI: Abilities = {
  seeds: "none",
  steps: false,
  guidance: false,
  negativePrompts: false,
  formats: ["png", "webp", "jpeg"],
  compression: true,
  transparency: true,
  maxImages: 10,
  edits: { maxImages: 16, masks: true, inputFidelity: true },
};

/** These always answer with base64, and refuse to be asked for it; they can stream. The ones before them are the opposite. */
const GPT_IMAGE = /^(?:gpt-image|chatgpt-image)/;

/** OpenAI's older models have other names for the qualities. */
function qualityName(job: ImageJob, model: string): string {
  if (!model.startsWith("dall-e")) return job.quality;
  return model === "dall-e-3" && job.quality === "high" ? "hd" : "standard";
}

/** A stream does not tell which of several pictures a preview belongs to. */
const streams = (job: ImageJob, model: string) =>
  job.stream && job.partialImages > 0 && job.n === 1 && GPT_IMAGE.test(model);

function fieldsOf(job: ImageJob, { model }: Attempt): Record<string, unknown> {
  const set = <T>(name: string, value: T) => (job.given.has(name) ? value : undefined);
  return {
    ...job.extra,
    model,
    prompt: job.prompt,
    n: job.n,
    size: formatSize(job),
    quality: set("quality", qualityName(job, model)),
    background: set("background", job.background),
    output_format: set("output_format", job.outputFormat),
    output_compression: set("output_compression", job.outputCompression),
    response_format: GPT_IMAGE.test(model) ? undefined : "b64_json",
    ...(streams(job, model) && { stream: true, partial_images: job.partialImages }),
  };
}

/** A body that has been begun to be read, with what was read. */
async function* from(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* { [Symbol.asyncIterator]: () => rest };
}

/** The answer to a request for a stream, which some answer as they answer any other. */
async function* streamEvents(
  body: AsyncIterable<Uint8Array>,
  job: ImageJob,
  attempt: Attempt,
): AsyncGenerator<GenerationEvent> {
  const chunks = body[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done) return;
  const whole = from(first.value, chunks);
  const isJson = /^\s*\{/.test(Buffer.from(first.value.subarray(0, 64)).toString("latin1"));
  yield* isJson ? foreignEvents(whole, job, attempt, undefined) : openaiStream(whole, job);
}

/**
 * OpenAI itself, and whoever serves its API faithfully. Only what the client set is sent on. Where previews are wanted, a
 * stream is asked for.
 */
export const openai: Dialect = {
  name: "openai",
  refusal: (job) => refuseUnable(job, OPENAI),
  request: (job, attempt) => {
    const set = <T>(name: string, value: T) => (job.given.has(name) ? value : undefined);
    return postJson({
      ...fieldsOf(job, attempt),
      style: set("style", job.style),
      moderation: set("moderation", job.moderation),
    });
  },
  editRequest: (job, attempt) => {
    const texts = { ...fieldsOf(job, attempt), input_fidelity: job.inputFidelity };
    // As its own clients name them; the older models know one picture only.
    return postEdit(job, texts, { image: job.images.length === 1 ? "image" : "image[]", mask: "mask" });
  },
  events: (body, job, attempt) =>
    streams(job, attempt.model) ? streamEvents(body, job, attempt) : foreignEvents(body, job, attempt, undefined),
  probePath: "/v1/models",
  // Somebody else's API, with limits of its own.
  probeMs: 30_000,
  maxConcurrent: 32,
};

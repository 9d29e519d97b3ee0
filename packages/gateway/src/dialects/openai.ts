import { formatSize, type ImageJob } from "@atoma/contract";
import { type Abilities, refuseUnable } from "./abilities.ts";
import type { AnswerReader, Assignment, Dialect } from "./dialect.ts";
import { jsonReader, postEdit, postJson } from "./openai-like.ts";
import { openaiStream } from "./openai-stream.ts";

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

function fieldsOf(job: ImageJob, { model }: Assignment): Record<string, unknown> {
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

/** Reads the answer to a request for a stream, which some servers answer as they answer any other. */
function eitherReader(job: ImageJob): AnswerReader {
  let reader: AnswerReader | undefined;
  return {
    push(chunk) {
      if (!reader) {
        const isJson = /^\s*\{/.test(Buffer.from(chunk.subarray(0, 64)).toString("latin1"));
        reader = isJson ? jsonReader(job, undefined) : openaiStream(job);
      }
      return reader.push(chunk);
    },
    end: () => reader?.end() ?? [],
    get needs() {
      return reader?.needs ?? 0;
    },
  };
}

/**
 * OpenAI itself, and servers that follow its API. Only what the client set is sent on. Where previews are wanted, a
 * stream is asked for.
 */
export const openai: Dialect = {
  name: "openai",
  refusal: (job) => refuseUnable(job, OPENAI),
  request: (job, assignment) => {
    const set = <T>(name: string, value: T) => (job.given.has(name) ? value : undefined);
    return postJson({
      ...fieldsOf(job, assignment),
      style: set("style", job.style),
      moderation: set("moderation", job.moderation),
    });
  },
  editRequest: (job, assignment) => {
    const texts = { ...fieldsOf(job, assignment), input_fidelity: job.inputFidelity };
    // As its own clients name them; the older models know one picture only.
    return postEdit(job, texts, { image: job.images.length === 1 ? "image" : "image[]", mask: "mask" });
  },
  reader: (job, { model }) => (streams(job, model) ? eitherReader(job) : jsonReader(job, undefined)),
  probePath: "/v1/models",
  // Somebody else's API, with limits of its own.
  probeMs: 30_000,
  maxConcurrent: 32,
};

import { formatSize, type ImageJob } from "@atoma/contract";
import { type Abilities, refuseUnable } from "./abilities.ts";
import type { Dialect } from "./dialect.ts";
import { foreignEvents } from "./foreign-answer.ts";
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
};

/** These always answer with base64, and refuse to be asked for it. */
const ALWAYS_BASE64 = /^(?:gpt-image|chatgpt-image)/;

/** OpenAI's older models have other names for the qualities. */
function qualityName(job: ImageJob, model: string): string {
  if (!model.startsWith("dall-e")) return job.quality;
  return model === "dall-e-3" && job.quality === "high" ? "hd" : "standard";
}

/** OpenAI itself, and whoever serves its API faithfully. Only what the client set is sent on. */
export const openai: Dialect = {
  name: "openai",
  refusal: (job) => refuseUnable(job, OPENAI),
  request: (job, { model }) => {
    const set = <T>(name: string, value: T) => (job.given.has(name) ? value : undefined);
    return postJson({
      ...job.extra,
      model,
      prompt: job.prompt,
      n: job.n,
      size: formatSize(job),
      quality: set("quality", qualityName(job, model)),
      style: set("style", job.style),
      background: set("background", job.background),
      moderation: set("moderation", job.moderation),
      output_format: set("output_format", job.outputFormat),
      output_compression: set("output_compression", job.outputCompression),
      response_format: ALWAYS_BASE64.test(model) ? undefined : "b64_json",
    });
  },
  events: (body, job, attempt) => foreignEvents(body, job, attempt, undefined),
  probePath: "/v1/models",
  // Somebody else's API, with limits of its own.
  probeMs: 30_000,
  maxConcurrent: 32,
};

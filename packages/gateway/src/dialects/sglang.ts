import { formatSize, type ImageJob } from "@atoma/contract";
import { type Abilities, refuseUnable } from "./abilities.ts";
import type { Assignment, Dialect } from "./dialect.ts";
import { jsonReader, postEdit, postJson } from "./openai-like.ts";

export const SGLANG: Abilities = {
  seeds: "any",
  steps: true,
  guidance: true,
  negativePrompts: true,
  formats: ["png", "webp", "jpeg"],
  compression: true,
  transparency: false,
  maxImages: 10,
  edits: { maxImages: 16, masks: false, inputFidelity: false },
};

const fieldsOf = (job: ImageJob, { model, seed }: Assignment) => ({
  ...job.extra,
  model,
  prompt: job.prompt,
  negative_prompt: job.negativePrompt || undefined,
  n: job.n,
  size: formatSize(job),
  response_format: "b64_json",
  output_format: job.outputFormat,
  output_compression: job.outputFormat === "png" ? undefined : job.outputCompression,
  background: "opaque",
  num_inference_steps: job.steps,
  guidance_scale: job.given.has("guidance_scale") ? job.guidanceScale : undefined,
  seed: job.seed ?? seed,
});

/**
 * SGLang's diffusion server: `sglang serve --model-path MODEL`. It answers with URLs unless told otherwise, and with the
 * same picture to everybody who names no seed: its default is 1024. It takes the mask of an edit and does nothing with it.
 */
export const sglang: Dialect = {
  name: "sglang",
  refusal: (job) => refuseUnable(job, SGLANG),
  request: (job, assignment) => postJson(fieldsOf(job, assignment)),
  editRequest: (job, assignment) => postEdit(job, fieldsOf(job, assignment)),
  reader: (job, assignment) => jsonReader(job, job.seed ?? assignment.seed),
  probePath: "/health",
  probeMs: 2_000,
  ownConnections: true,
  maxConcurrent: 8,
};

import { formatSize, type ImageJob } from "@atoma/contract";
import { type Abilities, refuseUnable } from "./abilities.ts";
import type { Assignment, Dialect } from "./dialect.ts";
import { jsonReader, postEdit, postJson } from "./openai-like.ts";

export const VLLM_OMNI: Abilities = {
  seeds: "one",
  steps: true,
  guidance: true,
  negativePrompts: true,
  formats: ["png", "webp", "jpeg"],
  compression: false,
  transparency: false,
  maxImages: 10,
  edits: { maxImages: 16, masks: false, inputFidelity: false },
};

const fieldsOf = (job: ImageJob, { model }: Assignment) => ({
  ...job.extra,
  model,
  prompt: job.prompt,
  negative_prompt: job.negativePrompt || undefined,
  n: job.n,
  size: formatSize(job),
  response_format: "b64_json",
  output_format: job.outputFormat,
  num_inference_steps: job.steps,
  guidance_scale: job.given.has("guidance_scale") ? job.guidanceScale : undefined,
  seed: job.seed,
});

/**
 * vLLM-Omni: `vllm serve MODEL --omni`. It rejects `response_format: "url"` and takes at most 200 steps. The pictures of an
 * edit are repeated parts named `image`; its masks are white where to paint.
 */
export const vllmOmni: Dialect = {
  name: "vllm-omni",
  refusal: (job) => refuseUnable(job, VLLM_OMNI),
  request: (job, assignment) => postJson(fieldsOf(job, assignment)),
  editRequest: (job, assignment) => postEdit(job, fieldsOf(job, assignment), { image: "image", mask: "mask" }),
  reader: (job) => jsonReader(job, job.seed),
  probePath: "/health",
  probeMs: 2_000,
  metrics: { path: "/metrics", requests: ["vllm_omni:num_requests_running", "vllm_omni:num_requests_waiting"] },
  ownConnections: true,
  maxConcurrent: 8,
};

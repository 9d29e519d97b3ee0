import { formatSize } from "@atoma/contract";
import { type Abilities, refuseUnable } from "./abilities.ts";
import type { Dialect } from "./dialect.ts";
import { foreignEvents } from "./foreign-answer.ts";
import { postJson } from "./post-json.ts";

export const VLLM_OMNI: Abilities = {
  seeds: "one",
  steps: true,
  guidance: true,
  negativePrompts: true,
  formats: ["png", "webp", "jpeg"],
  compression: false,
  transparency: false,
  maxImages: 10,
};

/** vLLM-Omni: `vllm serve MODEL --omni`. It rejects `response_format: "url"` and takes at most 200 steps. */
export const vllmOmni: Dialect = {
  name: "vllm-omni",
  refusal: (job) => refuseUnable(job, VLLM_OMNI),
  request: (job, { model }) =>
    postJson({
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
    }),
  events: (body, job, attempt) => foreignEvents(body, job, attempt, job.seed),
  probePath: "/health",
  probeMs: 2_000,
  metrics: { path: "/metrics", requests: ["vllm_omni:num_requests_running", "vllm_omni:num_requests_waiting"] },
  maxConcurrent: 8,
};

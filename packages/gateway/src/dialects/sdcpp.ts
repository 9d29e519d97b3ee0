import { errors, formatSize, type ImageJob } from "@atoma/contract";
import { type Abilities, refuseUnable } from "./abilities.ts";
import type { Assignment, Dialect } from "./dialect.ts";
import { jsonReader, postEdit, postJson } from "./openai-like.ts";

export const SDCPP: Abilities = {
  seeds: "any",
  steps: true,
  guidance: true,
  negativePrompts: true,
  formats: ["png", "webp", "jpeg"],
  compression: true,
  transparency: false,
  maxImages: 10,
  edits: { maxImages: 16, masks: false, inputFidelity: false, formats: ["png", "jpeg"] },
};

const TAG = "sd_cpp_extra_args";
/** Seeds are 64-bit there; ours fit. Its default is one seed for everybody, so one is always sent. */
function extraArguments(job: ImageJob, seed: number): string {
  const guidance = job.given.has("guidance_scale") ? { guidance: { txt_cfg: job.guidanceScale } } : {};
  const text = JSON.stringify({
    seed: job.seed ?? seed,
    negative_prompt: job.negativePrompt || undefined,
    sample_params: { sample_steps: job.steps, ...guidance },
  });
  // The server looks for the closing tag in the raw text, so none may be in a value.
  return `<${TAG}>${text.replaceAll("<", "\\u003c")}</${TAG}>`;
}

const fieldsOf = (job: ImageJob, { model, seed }: Assignment) => ({
  ...job.extra,
  model,
  prompt: `${job.prompt}${extraArguments(job, seed)}`,
  n: job.n,
  size: formatSize(job),
  output_format: job.outputFormat,
  output_compression: job.outputCompression,
});

/**
 * stable-diffusion.cpp: `sd-server`. What OpenAI's API has no field for travels inside the prompt; a prompt that tries the
 * same is refused. One request runs at a time there, and errors are `{"error":"text"}`. It reads a mask's brightness, and
 * paints where that is white.
 */
export const sdcpp: Dialect = {
  name: "sdcpp",
  refusal: (job) =>
    job.prompt.includes(`<${TAG}>`)
      ? errors.unsupported("prompt", `The model '${job.card.id}' does not take prompts with <${TAG}>.`)
      : refuseUnable(job, SDCPP),
  request: (job, assignment) => postJson(fieldsOf(job, assignment)),
  editRequest: (job, assignment) => postEdit(job, fieldsOf(job, assignment)),
  reader: (job, assignment) => jsonReader(job, job.seed ?? assignment.seed),
  probePath: "/v1/models",
  probeMs: 2_000,
  ownConnections: true,
  maxConcurrent: 1,
};

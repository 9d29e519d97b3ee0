import { errors, formatSize, type ImageJob } from "@atoma/contract";
import { type Abilities, refuseUnable } from "./abilities.ts";
import type { Assignment, Dialect } from "./dialect.ts";
import { jsonReader, postJson } from "./openai-like.ts";

export const LOCALAI: Abilities = {
  seeds: "none",
  steps: true,
  guidance: false,
  negativePrompts: true,
  formats: ["png"],
  compression: false,
  transparency: false,
  maxImages: 10,
  edits: { maxImages: 1, masks: false, inputFidelity: false },
};

const fieldsOf = (job: ImageJob, { model }: Assignment) => ({
  ...job.extra,
  model,
  prompt: job.negativePrompt === "" ? job.prompt : `${job.prompt}|${job.negativePrompt}`,
  n: job.n,
  size: formatSize(job),
  step: job.steps,
  response_format: "b64_json",
});

/**
 * LocalAI. It splits the prompt at `|`: what follows is the negative prompt, so neither text may hold one itself. An edit is
 * a generation with a `file` to start from.
 */
export const localai: Dialect = {
  name: "localai",
  refusal: (job) => {
    const split = [["prompt", job.prompt] as const, ["negative_prompt", job.negativePrompt] as const];
    const [param] = split.find(([, text]) => text.includes("|")) ?? [];
    return param === undefined
      ? refuseUnable(job, LOCALAI)
      : errors.unsupported(param, `The model '${job.card.id}' does not take a '${param}' with the character '|'.`);
  },
  request: (job, assignment) => postJson(fieldsOf(job, assignment)),
  editRequest: (job, assignment) => {
    const [first] = job.images;
    return postJson({ ...fieldsOf(job, assignment), file: first && Buffer.from(first.bytes).toString("base64") });
  },
  reader: (job) => jsonReader(job, undefined),
  probePath: "/readyz",
  probeMs: 2_000,
  ownConnections: true,
  maxConcurrent: 1,
};

import { type Abilities, refuseUnable } from "./abilities.ts";
import type { Dialect } from "./dialect.ts";
import { jsonReader, postJson } from "./openai-like.ts";

export const MISTRALRS: Abilities = {
  seeds: "none",
  steps: false,
  guidance: false,
  negativePrompts: false,
  formats: ["png"],
  compression: false,
  transparency: false,
  maxImages: 1,
  edits: undefined,
};

/**
 * mistral.rs: `mistralrs serve diffusion`. It ignores `n` and `size`, wants `width` and `height`, and its base64 is a data
 * URL. Its `url` would be a path on its own disk.
 */
export const mistralrs: Dialect = {
  name: "mistralrs",
  refusal: (job) => refuseUnable(job, MISTRALRS),
  request: (job, { model }) =>
    postJson({
      ...job.extra,
      model,
      prompt: job.prompt,
      n: 1,
      width: job.width,
      height: job.height,
      response_format: "b64_json",
    }),
  reader: (job) => jsonReader(job, undefined),
  probePath: "/health",
  probeMs: 2_000,
  metrics: { path: "/metrics", requests: ["mistralrs_sequences_running", "mistralrs_sequences_waiting"] },
  ownConnections: true,
  maxConcurrent: 1,
};

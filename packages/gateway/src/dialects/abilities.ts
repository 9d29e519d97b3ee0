import { type ApiError, errors, type ImageJob, type ModelCapabilities, type OutputFormat } from "@atoma/contract";

/** What a kind of server can be told when a picture is made from others. */
export interface EditAbilities {
  /** How many pictures it starts from, at the most. */
  readonly maxImages: number;
  /** As OpenAI has them: what is transparent is painted anew. Other servers have masks of black and white, or none. */
  readonly masks: boolean;
  readonly inputFidelity: boolean;
  /** Where there are fewer than for other pictures. */
  readonly formats?: readonly OutputFormat[];
}

/** What a kind of server can be told. Everything else that a client sets and that changes the picture is refused. */
export interface Abilities {
  /** `one`: for a single picture only, because the server gives several pictures of a request no seeds of their own. */
  readonly seeds: "any" | "one" | "none";
  readonly steps: boolean;
  readonly guidance: boolean;
  readonly negativePrompts: boolean;
  readonly formats: readonly OutputFormat[];
  readonly compression: boolean;
  readonly transparency: boolean;
  readonly maxImages: number;
  /** Undefined: it makes pictures from texts alone. */
  readonly edits: EditAbilities | undefined;
}

function refuseEdit({ card, given, outputFormat }: ImageJob, can: EditAbilities | undefined): ApiError | undefined {
  if (!can) return errors.noEdits(card.id);
  if (given.has("mask") && !can.masks) {
    return errors.unsupported("mask", `The model '${card.id}' does not support 'mask'.`);
  }
  if (given.has("input_fidelity") && !can.inputFidelity) return errors.inputFidelity(card.id);
  const { formats } = can;
  return formats && !formats.includes(outputFormat)
    ? errors.invalidValue("output_format", outputFormat, formats)
    : undefined;
}

/**
 * Why a server with these abilities cannot do the job: ApiError 400 that names the field. `quality`, `style`, `moderation`
 * and `user` are hints and never refused: an open model has no notion of them, whoever serves it.
 */
export function refuseUnable(job: ImageJob, can: Abilities): ApiError | undefined {
  const refuse = (param: string) =>
    errors.unsupported(param, `The model '${job.card.id}' does not support '${param}'.`);
  const { given } = job;
  if (job.n > can.maxImages) return errors.aboveMaximum("n", "integer", can.maxImages, job.n);
  if (!can.formats.includes(job.outputFormat)) {
    return errors.invalidValue("output_format", job.outputFormat, can.formats);
  }
  if (job.outputFormat !== "png" && job.outputCompression < 100 && !can.compression)
    return refuse("output_compression");
  if (job.background === "transparent" && !can.transparency) return errors.noTransparency();
  if (job.seed !== undefined && can.seeds === "none") return refuse("seed");
  if (job.seed !== undefined && can.seeds === "one" && job.n > 1) {
    return errors.unsupported("seed", `The model '${job.card.id}' supports 'seed' with n = 1 only.`);
  }
  const steps = ["steps", "num_inference_steps"].find((name) => given.has(name));
  if (steps !== undefined && !can.steps) return refuse(steps);
  if (given.has("guidance_scale") && !can.guidance) return refuse("guidance_scale");
  if (job.negativePrompt !== "" && !can.negativePrompts) return refuse("negative_prompt");
  return job.operation === "image_edit" ? refuseEdit(job, can.edits) : undefined;
}

/** A card's promises, without those that the server cannot keep. */
export function withinAbilities(card: ModelCapabilities, can: Abilities): ModelCapabilities {
  return {
    ...card,
    max_images: Math.min(card.max_images, can.maxImages),
    output_formats: card.output_formats.filter((format) => can.formats.includes(format)),
    seeds: card.seeds && can.seeds !== "none",
    negative_prompts: card.negative_prompts && can.negativePrompts,
    transparent_background: card.transparent_background && can.transparency,
    edits: card.edits && can.edits !== undefined,
    max_input_images: Math.min(card.max_input_images, can.edits?.maxImages ?? 1),
    input_fidelity: card.input_fidelity && can.edits?.inputFidelity === true,
  };
}

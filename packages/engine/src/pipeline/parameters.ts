import type { PictureRequest } from "./picture-request.ts";

/**
 * What a picture's file says of how it was made. `provenance`: that a model made it (XMP, every format) and with what settings
 * (PNG); `prompt`: the prompts too; `none`: nothing.
 */
export type PictureMetadata = "provenance" | "prompt" | "none";

/** Names that AUTOMATIC1111's web UI has for diffusers' classes. */
const SAMPLERS: Readonly<Record<string, string>> = {
  DDIMScheduler: "DDIM",
  DPMSolverMultistepScheduler: "DPM++ 2M",
  EulerAncestralDiscreteScheduler: "Euler a",
  EulerDiscreteScheduler: "Euler",
  FlowMatchEulerDiscreteScheduler: "Euler",
  LCMScheduler: "LCM",
  PNDMScheduler: "PLMS",
  UniPCMultistepScheduler: "UniPC",
};

function samplerOf(className: string, choice: string | undefined): string[] {
  const name = SAMPLERS[className] ?? className;
  const sde = choice?.includes("_sde") ? " SDE" : "";
  return [`Sampler: ${name}${sde}`, ...(choice?.endsWith("_karras") ? ["Schedule type: Karras"] : [])];
}

export interface MadeWith {
  /** Id of the model. */
  readonly model: string;
  /** Class of the scheduler, as diffusers names it. */
  readonly scheduler: string;
  readonly seed: number;
  /** Whether the prompts are told, which are the user's own matter. */
  readonly withPrompt: boolean;
}

/**
 * Generation parameters as text, in the form that AUTOMATIC1111's web UI writes and many tools read: the prompt, a line with
 * the negative prompt, a line with the settings.
 */
export function describeParameters(request: PictureRequest, { model, scheduler, seed, withPrompt }: MadeWith): string {
  const { width, height, steps, guidanceScale, prompt, negativePrompt, edit } = request;
  const texts = withPrompt ? [prompt, ...(negativePrompt ? [`Negative prompt: ${negativePrompt}`] : [])] : [];
  const settings = [
    `Steps: ${steps}`,
    ...samplerOf(scheduler, request.scheduler),
    `CFG scale: ${guidanceScale}`,
    `Seed: ${seed}`,
    `Size: ${width}x${height}`,
    `Model: ${model}`,
    ...(edit ? [`Denoising strength: ${edit.strength}`] : []),
    "Version: Atoma",
  ];
  return [...texts, settings.join(", ")].join("\n");
}

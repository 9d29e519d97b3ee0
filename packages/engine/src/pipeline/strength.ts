import type { EditJob, ImageJob } from "@atoma/contract";
import { isEdit } from "@atoma/contract";

/**
 * How far an edit leaves its picture (SDEdit, arXiv 2108.01073): the share of the denoising steps that it runs. 1 keeps
 * nothing. What a mask marks is painted wholly anew, unless the picture is to be kept to closely. Measured with the tiny
 * model, on 48 recolourings of a shape: at 0.75 88 % got the colour and their outlines overlapped by 0.92, at 0.85 98 % and
 * 0.88, at 0.95 all and 0.77.
 */
const STRENGTH = { whole: { low: 0.85, high: 0.7 }, masked: { low: 1, high: 0.8 } } as const;

export function strengthOf({ mask, inputFidelity = "low" }: Pick<EditJob, "mask" | "inputFidelity">): number {
  return STRENGTH[mask ? "masked" : "whole"][inputFidelity];
}

/** How many of `steps` steps a run of this strength takes, as in diffusers' image-to-image pipelines: at least one. */
export function stepsAtStrength(steps: number, strength: number): number {
  return Math.max(1, Math.min(steps, Math.floor(steps * strength)));
}

/** How many denoising steps each picture of a job takes. */
export function stepsToRun(job: ImageJob): number {
  return isEdit(job) ? stepsAtStrength(job.steps, strengthOf(job)) : job.steps;
}

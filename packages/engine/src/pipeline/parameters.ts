import type { PictureRequest } from "./picture-request.ts";

/**
 * Generation parameters as text, in the form that AUTOMATIC1111's web UI writes and many tools read. The prompt is the
 * user's own matter and stays out unless `withPrompt`.
 */
export function describeParameters(model: string, request: PictureRequest, seed: number, withPrompt: boolean): string {
  const { width, height, steps, guidanceScale, prompt, negativePrompt, edit } = request;
  const texts = withPrompt ? [prompt, ...(negativePrompt ? [`Negative prompt: ${negativePrompt}`] : [])] : [];
  const settings = `Steps: ${steps}, CFG scale: ${guidanceScale}, Seed: ${seed}, Size: ${width}x${height}, Model: ${model}`;
  const strength = edit ? `, Denoising strength: ${edit.strength}` : "";
  return [...texts, settings + strength].join("\n");
}

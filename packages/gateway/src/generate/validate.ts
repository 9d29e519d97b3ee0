import {
  computeUnits,
  errors,
  type ImageJob,
  type ParseOptions,
  parseImageRequest,
  parseJsonObject,
} from "@atoma/contract";
import type { Context } from "../context.ts";
import type { Caller } from "./authenticate.ts";

/** A validated request and what it costs. */
export interface PricedJob {
  readonly job: ImageJob;
  readonly units: number;
}

/** Whether a key may use a model, by its id. */
export const mayUse = ({ allowedModels }: Caller, model: string): boolean => allowedModels?.includes(model) ?? true;

/** Throws ApiError 403 unless the key may use the model. */
export function requireModel(caller: Caller, model: string): void {
  if (mayUse(caller, model)) return;
  throw errors.permissionDenied(`This API key may not use the model '${model}'.`, "model");
}

/** Ids of the models that a key may use. */
export function usableModels({ registry }: Pick<Context, "registry">, caller: Caller): readonly string[] {
  return registry.listModels().flatMap(({ id }) => (mayUse(caller, id) ? [id] : []));
}

/** What a caller's request is read by. */
export function readingFor(context: Context, caller: Caller): ParseOptions {
  const { registry, defaultModel, unknownFields } = context;
  return {
    findModel: registry.findModel,
    defaultModel,
    unknownFields,
    modelNames: () => usableModels(context, caller),
  };
}

/**
 * Step 2. Knows afterwards exactly what is to be made and how many compute units that is.
 * Throws ApiError 400, 403 or 404.
 */
export function validate(body: Uint8Array, caller: Caller, options: ParseOptions): PricedJob {
  return price(parseImageRequest(parseJsonObject(body), options), caller);
}

/** What a job costs; an edit costs what a generation does. Throws ApiError 403 unless the key may use the model. */
export function price(job: ImageJob, caller: Caller): PricedJob {
  requireModel(caller, job.card.id);
  return { job, units: computeUnits({ ...job, images: job.n }, job.card.pricing) };
}

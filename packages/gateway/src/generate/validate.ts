import {
  computeUnits,
  errors,
  type ImageJob,
  type ParseOptions,
  parseImageRequest,
  parseJsonObject,
} from "@atoma/contract";
import type { FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import type { Candidates } from "../nodes/registry.ts";
import type { Caller } from "./identify.ts";

/** A validated request, what it costs, and which nodes can do it. */
export interface Order {
  readonly job: ImageJob;
  readonly units: number;
  readonly candidates: Candidates;
}

export type ValidateContext = Pick<Context, "registry" | "defaultModel" | "unknownFields" | "responseFormat">;

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
export function readingFor(context: ValidateContext, caller: Caller): ParseOptions {
  const { registry, defaultModel, unknownFields } = context;
  const format = caller.responseFormat ?? context.responseFormat;
  return {
    findModel: registry.findModel,
    defaultModel,
    unknownFields,
    defaultResponseFormat: format === "both" ? undefined : format,
    modelNames: () => usableModels(context, caller),
  };
}

/**
 * Step 2. Knows afterwards exactly what is to be made, how many compute units that is, and which nodes can make it.
 * Throws ApiError 400, 403 or 404.
 */
export function validate(body: Uint8Array, caller: Caller, context: ValidateContext): Order {
  const job = parseImageRequest(parseJsonObject(body), readingFor(context, caller));
  return toOrder(job, caller, context.registry);
}

/** The same for a job that was read otherwise; an edit costs what a generation does. */
export function toOrder(job: ImageJob, caller: Caller, registry: ValidateContext["registry"]): Order {
  requireModel(caller, job.card.id);
  const units = computeUnits({ ...job, images: job.n }, job.card.pricing);
  return { job, units, candidates: registry.candidates(job) };
}

/** The order, noted for its request's log line and for the figures of ended requests: ids and figures alone. */
export function logOrder(request: FastifyRequest, { accountId, id }: Caller, order: Order): Order {
  const model = order.job.card.id;
  request.logFields = { account: accountId, key: id, model, units: order.units };
  request.ordered = { accountId, keyId: id, model, images: order.job.n, units: order.units };
  return order;
}

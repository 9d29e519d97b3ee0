import { errors } from "@atoma/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Deps } from "../deps.ts";
import { readBody, requireJson } from "../http/read-body.ts";
import { idempotencyKey } from "../steps/reserve.ts";
import { validate } from "../steps/validate.ts";
import { answerJob } from "./answer-job.ts";

/** `POST /v1/images/generations`: authenticate, validate, reserve, forward, settle, render. */
export function imagesGenerations(deps: Deps) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const caller = await deps.authenticate(request.raw);
    if (deps.draining()) throw errors.shuttingDown();
    requireJson(request.headers);
    const key = idempotencyKey(request.headers["idempotency-key"]);
    const body = await readBody(request.raw, deps.body);
    const priced = validate(body, caller, { ...deps, findModel: deps.registry.findModel });
    deps.registry.requireAble(priced.job);
    return answerJob(deps, request, reply, { caller, priced, body, key });
  };
}

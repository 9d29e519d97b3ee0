import { errors } from "@atoma/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Deps } from "../deps.ts";
import { prefersAsync } from "../http/prefer.ts";
import { readBody, requireJson } from "../http/read-body.ts";
import type { Runner } from "../jobs/runner.ts";
import { idempotencyKey } from "../steps/reserve.ts";
import { validate } from "../steps/validate.ts";
import { answerJob } from "./answer-job.ts";

/** `POST /v1/images/generations`: authenticate, validate, reserve, forward, settle, render. */
export function imagesGenerations(deps: Deps, runner: Runner) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const caller = await deps.authenticate(request.raw);
    if (deps.draining()) throw errors.shuttingDown();
    // A replay costs nothing, so a request that may be one is the ledger's to judge.
    if (request.headers["idempotency-key"] === undefined) deps.rateGate.check(caller);
    requireJson(request.headers);
    const key = idempotencyKey(request.headers["idempotency-key"]);
    const body = await readBody(request.raw, deps.body);
    const priced = validate(body, caller, { ...deps, findModel: deps.registry.findModel });
    deps.registry.requireAble(priced.job);
    // A stream is an answer of its own; a preference need not be honoured.
    const later = prefersAsync(request.headers) && !priced.job.stream ? runner : undefined;
    return answerJob(deps, request, reply, { caller, priced, body, key, later });
  };
}

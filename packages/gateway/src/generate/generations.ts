import { errors } from "@atoma/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import { prefersAsync } from "../http/prefer.ts";
import { readBody, requireJson } from "../http/read-body.ts";
import type { Runner } from "../jobs/runner.ts";
import { answerJob } from "./answer-job.ts";
import { idempotencyKey } from "./reserve.ts";
import { readingFor, validate } from "./validate.ts";

/** `POST /v1/images/generations`: authenticate, validate, reserve, forward, settle, render. */
export function imagesGenerations(context: Context, runner: Runner) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const caller = await context.authenticate(request.raw);
    if (context.draining()) throw errors.shuttingDown();
    // A replay costs nothing, so a request that may be one is the ledger's to judge.
    if (request.headers["idempotency-key"] === undefined) context.refusedKeys.check(caller);
    requireJson(request.headers);
    const key = idempotencyKey(request.headers["idempotency-key"]);
    const body = await readBody(request.raw, context.body);
    const priced = validate(body, caller, readingFor(context, caller));
    context.registry.requireAble(priced.job);
    // A stream is an answer of its own; a preference need not be honoured.
    const later = prefersAsync(request.headers) && !priced.job.stream ? runner : undefined;
    return answerJob(context, request, reply, { caller, priced, body, key, later });
  };
}

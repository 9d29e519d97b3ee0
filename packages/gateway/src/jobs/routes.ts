import { errors } from "@atoma/contract";
import { type JobId, jobIdFrom } from "@atoma/ledger";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import type { Runner } from "./runner.ts";
import { sendJob } from "./send-job.ts";

type WithId = { Params: { id: string } };

function jobId(text: string): JobId {
  if (!/^gen_[0-9a-z]{8,64}$/.test(text)) throw errors.jobNotFound();
  return jobIdFrom(text);
}

/** `GET /v1/images/generations/{id}`: how a job stands, for any key of its account. */
export function getGenerationJob(context: Context) {
  return async (request: FastifyRequest<WithId>, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const caller = await context.identify(request.raw);
    const job = await context.ledger.jobs.find(caller.accountId, jobId(request.params.id));
    if (!job) throw errors.jobNotFound();
    return sendJob(context, request, reply, 200, job);
  };
}

/** `DELETE /v1/images/generations/{id}`: stops a job that has not ended; nothing is charged for it then. */
export function deleteGenerationJob(context: Context, runner: Runner) {
  return async (request: FastifyRequest<WithId>, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const caller = await context.identify(request.raw);
    const job = await runner.cancel(caller.accountId, jobId(request.params.id));
    if (!job) throw errors.jobNotFound();
    return sendJob(context, request, reply, 200, job);
  };
}

import { Readable } from "node:stream";
import { errors, type ImageJob } from "@atoma/contract";
import { type AccountId, type Job, type JobId, jobIdFrom, jobIdOf, LedgerUnavailableError } from "@atoma/ledger";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import { deserializeAnswer } from "../generate/answer.ts";
import type { Caller } from "../generate/authenticate.ts";
import { renderJson, wrapped } from "../generate/render.ts";
import type { Hold } from "../generate/reserve.ts";
import { originFor } from "../http/origin.ts";
import { cutStalledReader } from "../http/stalled-reader.ts";
import type { Runner } from "./runner.ts";
import { serializeRequest } from "./stored-request.ts";

const seconds = (ms: number | null): number | null => (ms === null ? null : Math.floor(ms / 1000));

/** A job without its result. Times are Unix seconds. */
const jobToWire = (job: Job) => ({
  id: job.id,
  object: "image.generation",
  status: job.state,
  model: job.model,
  created_at: seconds(job.createdAt),
  started_at: seconds(job.startedAt),
  ended_at: seconds(job.endedAt),
  expires_at: seconds(job.expiresAt),
});

/** Answers with the job as it stands, its pictures or its error included. */
async function sendJob(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  status: 200 | 202,
  job: Job,
): Promise<FastifyReply> {
  if (job.endedAt === null) reply.header("retry-after", "1");
  reply.code(status).header("content-type", "application/json; charset=utf-8");
  const fields = jobToWire(job);
  // Written by us, as an envelope's error.
  if (job.state === "failed") return reply.send({ ...fields, error: JSON.parse(job.error ?? "null") });
  if (job.state !== "succeeded") return reply.send(fields);
  const origin = originFor(context, request);
  const result = await renderJson(deserializeAnswer(job.result ?? ""), { files: context.files, origin });
  const body = wrapped(`${JSON.stringify(fields).slice(0, -1)},"result":`, result, "}");
  cutStalledReader(reply.raw);
  return reply
    .header("content-length", String(body.length))
    .send(Readable.from(body.chunks(), { objectMode: false, highWaterMark: 256 * 1024 }));
}

/** 202: the job is on disk, and its pictures are to be fetched where `location` says. */
export async function sendAccepted(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  job: Job,
): Promise<FastifyReply> {
  reply.headers({
    location: `${originFor(context, request)}/v1/images/generations/${job.id}`,
    "preference-applied": "respond-async",
    vary: "prefer",
  });
  return sendJob(context, request, reply, 202, job);
}

/** Throws ApiError 429 when the account has too many jobs that wait, unless the idempotency key has begun something before. */
export async function requireRoom(context: Context, accountId: AccountId, key: string | undefined): Promise<void> {
  const { ledger, maxQueuedJobs } = context;
  if (!(await ledger.jobs.hasRoom(accountId, maxQueuedJobs, key))) throw errors.tooManyJobs(maxQueuedJobs);
}

/** Puts what was reserved into the queue. Throws ApiError 429 when the account has too many jobs there, and lets go of the hold. */
export async function enqueue(
  context: Context,
  runner: Runner,
  {
    caller,
    job,
    hold,
    requestId,
    key,
    deadline,
  }: { caller: Caller; job: ImageJob; hold: Hold; requestId: string; key: string | undefined; deadline: number },
): Promise<Job> {
  const { jobs } = context.ledger;
  const { holdId } = hold;
  const { accountId, id: keyId } = caller;
  const id = jobIdOf(holdId);
  try {
    const row = {
      id,
      holdId,
      accountId,
      keyId,
      requestId,
      model: job.card.id,
      request: serializeRequest(job),
      deadline,
    };
    if ((await jobs.enqueue(row, context.maxQueuedJobs)) === "full") throw errors.tooManyJobs(context.maxQueuedJobs);
    runner.wake();
    return (await jobs.find(accountId, id)) ?? fail(id);
  } catch (error) {
    // It may be in the queue, and made before this is heard; without an idempotency key nobody could fetch it.
    const giveBack = error instanceof LedgerUnavailableError && key === undefined;
    await context.voidLater.release({ holdId, accountId, units: hold.units, requestId, giveBack });
    throw error;
  }
}

function fail(id: JobId): never {
  throw errors.internal(new Error(`job ${id} is not in its queue`));
}

type WithId = { Params: { id: string } };

function jobId(text: string): JobId {
  if (!/^gen_[0-9a-z]{8,64}$/.test(text)) throw errors.jobNotFound();
  return jobIdFrom(text);
}

/** `GET /v1/images/generations/{id}`: how a job stands, for any key of its account. */
export function getGenerationJob(context: Context) {
  return async (request: FastifyRequest<WithId>, reply: FastifyReply): Promise<FastifyReply> => {
    const caller = await context.authenticate(request.raw);
    const job = await context.ledger.jobs.find(caller.accountId, jobId(request.params.id));
    if (!job) throw errors.jobNotFound();
    return sendJob(context, request, reply, 200, job);
  };
}

/** `DELETE /v1/images/generations/{id}`: stops a job that has not ended; nothing is charged for it then. */
export function deleteGenerationJob(context: Context, runner: Runner) {
  return async (request: FastifyRequest<WithId>, reply: FastifyReply): Promise<FastifyReply> => {
    const caller = await context.authenticate(request.raw);
    const job = await runner.cancel(caller.accountId, jobId(request.params.id));
    if (!job) throw errors.jobNotFound();
    return sendJob(context, request, reply, 200, job);
  };
}

import { Readable } from "node:stream";
import { errors, type ImageJob } from "@atoma/contract";
import { type AccountId, type Job, type JobId, jobIdFrom, jobIdOf, LedgerUnavailableError } from "@atoma/ledger";
import type { FastifyReply, FastifyRequest } from "fastify";
import { deserializeAnswer } from "../answer.ts";
import type { Deps } from "../deps.ts";
import { originFor } from "../http/origin.ts";
import { cutStalledReader } from "../http/stalled-reader.ts";
import type { Runner } from "../jobs/runner.ts";
import { serializeRequest } from "../jobs/stored-request.ts";
import type { Caller } from "../steps/authenticate.ts";
import { renderJson, wrapped } from "../steps/render.ts";
import type { Hold } from "../steps/reserve.ts";

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
  deps: Deps,
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
  const origin = originFor(deps, request);
  const result = await renderJson(deserializeAnswer(job.result ?? ""), { files: deps.files, origin });
  const body = wrapped(`${JSON.stringify(fields).slice(0, -1)},"result":`, result, "}");
  cutStalledReader(reply.raw);
  return reply
    .header("content-length", String(body.length))
    .send(Readable.from(body.chunks(), { objectMode: false, highWaterMark: 256 * 1024 }));
}

/** 202: the job is on disk, and its pictures are to be fetched where `location` says. */
export async function sendAccepted(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  job: Job,
): Promise<FastifyReply> {
  reply.headers({
    location: `${originFor(deps, request)}/v1/images/generations/${job.id}`,
    "preference-applied": "respond-async",
    vary: "prefer",
  });
  return sendJob(deps, request, reply, 202, job);
}

/** Throws ApiError 429 when the account has too many jobs that wait, unless the idempotency key has begun something before. */
export async function requireRoom(deps: Deps, accountId: AccountId, key: string | undefined): Promise<void> {
  const { ledger, maxQueuedJobs } = deps;
  if (!(await ledger.jobs.hasRoom(accountId, maxQueuedJobs, key))) throw errors.tooManyJobs(maxQueuedJobs);
}

/** Puts what was reserved into the queue. Throws ApiError 429 when the account has too many jobs there, and lets go of the hold. */
export async function enqueue(
  deps: Deps,
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
  const { jobs } = deps.ledger;
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
    if ((await jobs.enqueue(row, deps.maxQueuedJobs)) === "full") throw errors.tooManyJobs(deps.maxQueuedJobs);
    runner.wake();
    return (await jobs.find(accountId, id)) ?? fail(id);
  } catch (error) {
    // It may be in the queue, and made before this is heard; without an idempotency key nobody could fetch it.
    const giveBack = error instanceof LedgerUnavailableError && key === undefined;
    await deps.releases.release({ holdId, accountId, units: hold.units, requestId, giveBack });
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
export function getGenerationJob(deps: Deps) {
  return async (request: FastifyRequest<WithId>, reply: FastifyReply): Promise<FastifyReply> => {
    const caller = await deps.authenticate(request.raw);
    const job = await deps.ledger.jobs.find(caller.accountId, jobId(request.params.id));
    if (!job) throw errors.jobNotFound();
    return sendJob(deps, request, reply, 200, job);
  };
}

/** `DELETE /v1/images/generations/{id}`: stops a job that has not ended; nothing is charged for it then. */
export function deleteGenerationJob(deps: Deps, runner: Runner) {
  return async (request: FastifyRequest<WithId>, reply: FastifyReply): Promise<FastifyReply> => {
    const caller = await deps.authenticate(request.raw);
    const job = await runner.cancel(caller.accountId, jobId(request.params.id));
    if (!job) throw errors.jobNotFound();
    return sendJob(deps, request, reply, 200, job);
  };
}

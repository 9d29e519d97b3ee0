import { errors } from "@atoma/contract";
import { type AccountId, type Job, type JobId, jobIdOf, type KeyId, LedgerUnavailableError } from "@atoma/ledger";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import type { Accept } from "../generate/generations.ts";
import { REPLAYED, sendReplay } from "../generate/replay.ts";
import { type Hold, type InProgress, type Replay, tryReserve } from "../generate/reserve.ts";
import type { Order } from "../generate/validate.ts";
import { originFor } from "../http/origin.ts";
import type { Runner } from "./runner.ts";
import { sendJob } from "./send-job.ts";
import { serializeRequest } from "./stored-request.ts";

/** 202: the job is on disk, and its pictures are to be fetched where `location` says. */
async function sendAccepted(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  job: Job,
): Promise<FastifyReply | undefined> {
  reply.headers({
    location: `${originFor(context, request)}/v1/images/generations/${job.id}`,
    "preference-applied": "respond-async",
    vary: "prefer",
  });
  return sendJob(context, request, reply, 202, job);
}

/** The job that an idempotency key began before, whether it still runs or has been answered from. */
async function earlierJob(
  { ledger: { jobs } }: Context,
  accountId: AccountId,
  found: Replay | InProgress,
  key: string | undefined,
): Promise<Job | undefined> {
  if (found.kind === "replay") return jobs.find(accountId, jobIdOf(found.holdId));
  return key === undefined ? undefined : jobs.findByIdempotencyKey(accountId, key);
}

/** Puts what was reserved into the queue. Throws ApiError 429 when the account has too many jobs there, and lets go of the hold. */
async function enqueue(
  context: Context,
  { job }: Order,
  { holdId, accountId, units, replayable }: Hold,
  { requestId, keyId, deadline }: { requestId: string; keyId: KeyId; deadline: number },
): Promise<Job> {
  const { maxQueuedJobs, voidLater } = context;
  const { jobs } = context.ledger;
  const id = jobIdOf(holdId);
  try {
    const model = job.card.id;
    const row = { id, holdId, accountId, keyId, requestId, model, request: serializeRequest(job), deadline };
    if ((await jobs.enqueue(row, maxQueuedJobs)) === "full") throw errors.tooManyJobs(maxQueuedJobs);
    return (await jobs.find(accountId, id)) ?? fail(id);
  } catch (error) {
    // It may be in the queue, and made before this is heard; without an idempotency key it could not be fetched.
    const giveBack = error instanceof LedgerUnavailableError && !replayable;
    await voidLater.release({ holdId, accountId, units, requestId, giveBack });
    throw error;
  }
}

function fail(id: JobId): never {
  throw errors.internal(new Error(`job ${id} is not in its queue`));
}

/**
 * Takes orders with `Prefer: respond-async`: holds their units, puts them into the queue, and answers 202. ApiError 429 when the
 * account has too many jobs that wait, unless the idempotency key has begun something before.
 */
export function acceptor(context: Context, runner: Pick<Runner, "wake">): Accept {
  const { ledger, maxQueuedJobs, clock, jobTimeoutMs } = context;
  return async (request, reply, order, identity, caller) => {
    const { accountId, id: keyId } = caller;
    const { requestId, idempotencyKey: key } = identity;
    if (!(await ledger.jobs.hasRoom(accountId, maxQueuedJobs, key))) throw errors.tooManyJobs(maxQueuedJobs);
    const deadline = clock.now() + jobTimeoutMs;
    const hold = await tryReserve(order, identity, caller, deadline, context);
    if (hold.kind !== "hold") {
      const earlier = await earlierJob(context, accountId, hold, key);
      if (earlier) return sendAccepted(context, request, reply.headers(REPLAYED), earlier);
      if (hold.kind === "in-progress") throw hold.error;
      return sendReplay(request, reply, hold, context);
    }
    const job = await enqueue(context, order, hold, { requestId, keyId, deadline });
    runner.wake();
    return sendAccepted(context, request, reply.headers(hold.headers), job);
  };
}

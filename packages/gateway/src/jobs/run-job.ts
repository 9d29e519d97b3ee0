import { type ApiError, errors } from "@atoma/contract";
import { type ClaimedJob, type Hold, type JobEnd, LedgerUnavailableError } from "@atoma/ledger";
import type { Ended } from "../activity/activity-counts.ts";
import { deadline } from "../clock.ts";
import type { Context } from "../context.ts";
import { deserializeAnswer, serializeAnswer } from "../generate/answer.ts";
import { tryForward } from "../generate/forward.ts";
import { charge, keep } from "../generate/settle.ts";
import { retryLedger } from "../holds/retry-ledger.ts";
import { logFailure, toApiError } from "../http/to-api-error.ts";
import { openShelf } from "../pictures/shelf.ts";
import { deserializeRequest } from "./stored-request.ts";

/** Why a job is stopped in its middle. */
export class JobStopped extends Error {
  override readonly name = "JobStopped";
  readonly why: "cancelled" | "lost" | "stopping";

  constructor(why: JobStopped["why"]) {
    super(`the job is ${why}`);
    this.why = why;
  }
}

const RETRY_MS = 2000;

/**
 * Steps 4 to 6 for a job that this gateway has claimed, up to its end or its return to the queue. `stop` is aborted with
 * a JobStopped. Rejects when the ledger is away: the lease then runs out, and whoever claims the job next finds out
 * from its hold how far it came.
 */
export async function runJob(context: Context, owner: string, job: ClaimedJob, stop: AbortSignal): Promise<void> {
  const { jobs } = context.ledger;
  try {
    if (job.result !== null) return await settleKept(context, owner, job, job.result);
    if (job.orphaned) throw errors.interrupted();
    if (job.cancelAt !== null) throw new JobStopped("cancelled");
    const error = await make(context, owner, job, stop);
    if (error) await jobs.requeue(job.id, owner, context.clock.now() + retryMs(error));
  } catch (error) {
    if (error instanceof LedgerUnavailableError) throw error;
    const why = error instanceof JobStopped ? error.why : undefined;
    if (why === "lost") return;
    if (why === "stopping") return void (await jobs.requeue(job.id, owner, context.clock.now()));
    await fail(context, owner, job, why === "cancelled" ? undefined : toApiError(error));
  }
}

/**
 * Has the pictures made, keeps them, charges them, and says so: in this order, so that a crash between two is harmless. Gives
 * the error where certainly no node began, so that the job can be done later.
 */
async function make(
  context: Context,
  owner: string,
  job: ClaimedJob,
  stop: AbortSignal,
): Promise<ApiError | undefined> {
  const { clock, ledger, registry, generationTimeoutMs } = context;
  const leftMs = job.deadline - clock.now();
  if (leftMs <= 0) throw errors.generationTimeout();
  const patience = { ms: context.ledgerPatienceMs, signal: stop, clock };
  const { state, units } = await retryLedger(() => holdOf(context, job), patience);
  // Its client was told that it was not accepted, because the ledger's answer was lost.
  if (state !== "held") throw errors.interrupted();
  using limit = deadline(clock, Math.min(leftMs, generationTimeoutMs), errors.generationTimeout);
  const signal = AbortSignal.any([stop, limit.signal]);
  const wanted = deserializeRequest(job.request);
  const { requestId, accountId: account, holdId } = job;
  const candidates = registry.candidates(wanted);
  await using shelf = openShelf(context);
  const work = { job: wanted, candidates, pictures: undefined, requestId, account, shelf, signal };
  const attempted = await tryForward(work, context);
  if (attempted.kind === "not-started") return attempted.error;
  const answer = await keep(attempted.made, wanted, true, shelf, clock);
  signal.throwIfAborted();
  const response = serializeAnswer(answer);
  const ours = await retryLedger(() => ledger.jobs.keepResult(job.id, owner, response), patience);
  if (!ours) throw new JobStopped("lost");
  signal.throwIfAborted();
  // The deadline no longer counts: it could come while the charge is written.
  limit[Symbol.dispose]();
  await charge(ledger, { holdId, units, response }, patience);
  await end(context, owner, job, { state: "succeeded" });
  return undefined;
}

/** The gateway before this one made everything and ended before it said so. Charges what it may not have charged. */
async function settleKept(context: Context, owner: string, job: ClaimedJob, result: string): Promise<void> {
  // Refuses what a settlement would: the text must be an answer.
  deserializeAnswer(result);
  const { units } = await holdOf(context, job);
  const settled = await context.ledger.settle({ holdId: job.holdId, units, response: result });
  if (settled.outcome === "posted") await end(context, owner, job, { state: "succeeded" });
  else
    await fail(context, owner, job, settled.outcome === "expired" ? errors.generationTimeout() : errors.interrupted());
}

/** Gives the units back, then says that the job has failed, or without an error that it is cancelled. */
async function fail(context: Context, owner: string, job: ClaimedJob, error: ApiError | undefined): Promise<void> {
  const standing = await context.ledger.void({ holdId: job.holdId });
  // Charged, and only its end was not noted: what is paid for is delivered.
  if (standing.outcome === "posted") return end(context, owner, job, { state: "succeeded" });
  if (error === undefined) return end(context, owner, job, { state: "cancelled" });
  logFailure(context.log, job.requestId, error);
  await end(context, owner, job, { state: "failed", error: JSON.stringify(error.envelope().error) });
}

/** Nothing where the job is another gateway's by now: that one says how it ended. */
async function end(context: Context, owner: string, job: ClaimedJob, how: JobEnd): Promise<void> {
  if (!(await context.ledger.jobs.end(job.id, owner, how, context.clock.now() + context.fileTtlMs))) return;
  const { id, requestId, accountId, keyId, model } = job;
  const ms = context.clock.now() - job.createdAt;
  context.activity.note({ accountId, keyId, model, ms, ...(await delivered(context, job, how)) });
  context.log.info({ requestId, job: id, account: accountId, key: keyId, model, state: how.state, ms }, "job ended");
}

/** How a job's end counts in the figures of ended requests. */
async function delivered(
  context: Context,
  job: ClaimedJob,
  { state }: JobEnd,
): Promise<Pick<Ended, "outcome" | "images" | "units">> {
  if (state === "cancelled") return { outcome: "left", images: 0, units: 0 };
  if (state === "failed") return { outcome: "failed", images: 0, units: 0 };
  const { images, units } = await holdOf(context, job);
  return { outcome: "succeeded", images, units };
}

async function holdOf(context: Context, job: ClaimedJob): Promise<Hold> {
  const hold = await context.ledger.getHold(job.holdId);
  if (!hold) throw errors.internal(new Error(`job ${job.id} has no hold`));
  return hold;
}

function retryMs(error: ApiError): number {
  return Number(error.headers["retry-after-ms"] ?? RETRY_MS);
}

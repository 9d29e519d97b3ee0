import { type ApiError, errors } from "@atoma/contract";
import { type ClaimedJob, type Hold, type JobEnd, LedgerUnavailableError } from "@atoma/ledger";
import { deserializeAnswer, serializeAnswer } from "../answer.ts";
import type { Deps } from "../deps.ts";
import { logFailure, toApiError } from "../http/to-api-error.ts";
import { insist } from "../insist.ts";
import { charge, collect, keep, startRun } from "../run.ts";
import { neverBegan } from "../steps/forward.ts";
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
export async function runJob(deps: Deps, owner: string, job: ClaimedJob, stop: AbortSignal): Promise<void> {
  const { jobs } = deps.ledger;
  try {
    if (job.result !== null) return await settleKept(deps, owner, job, job.result);
    if (job.orphaned) throw errors.interrupted();
    if (job.cancelAt !== null) throw new JobStopped("cancelled");
    await make(deps, owner, job, stop);
  } catch (error) {
    if (error instanceof LedgerUnavailableError) throw error;
    const why = error instanceof JobStopped ? error.why : undefined;
    if (why === "lost") return;
    if (why === "stopping") return void (await jobs.requeue(job.id, owner, deps.now()));
    if (neverBegan(error)) return void (await jobs.requeue(job.id, owner, deps.now() + retryMs(error)));
    await fail(deps, owner, job, why === "cancelled" ? undefined : toApiError(error));
  }
}

/** Has the pictures made, keeps them, charges them, and says so: in this order, so that a crash between two is harmless. */
async function make(deps: Deps, owner: string, job: ClaimedJob, stop: AbortSignal): Promise<void> {
  const { jobs } = deps.ledger;
  const leftMs = job.deadline - deps.now();
  if (leftMs <= 0) throw errors.generationTimeout();
  const patience = { ms: deps.ledgerPatienceMs, signal: stop };
  const { state, units } = await insist(() => holdOf(deps, job), patience);
  // Its client was told that it was not accepted, because the ledger's answer was lost.
  if (state !== "held") throw errors.interrupted();
  const deadline = new AbortController();
  const timer = setTimeout(
    () => deadline.abort(errors.generationTimeout()),
    Math.min(leftMs, deps.generationTimeoutMs),
  );
  const signal = AbortSignal.any([stop, deadline.signal]);
  try {
    const run = startRun(deps, {
      job: deserializeRequest(job.request),
      accountId: job.accountId,
      requestId: job.requestId,
      replayable: true,
      departure: { signal, finished: () => clearTimeout(timer) },
    });
    const answer = await keep(deps, run, await collect(run));
    signal.throwIfAborted();
    const ours = await insist(() => jobs.keepResult(job.id, owner, serializeAnswer(answer)), patience);
    if (!ours) throw new JobStopped("lost");
    await charge(deps, run, { holdId: job.holdId, units }, answer);
    await end(deps, owner, job, { state: "succeeded" });
  } finally {
    clearTimeout(timer);
  }
}

/** The gateway before this one made everything and ended before it said so. Charges what it may not have charged. */
async function settleKept(deps: Deps, owner: string, job: ClaimedJob, result: string): Promise<void> {
  // Refuses what a settlement would: the text must be an answer.
  deserializeAnswer(result);
  const { units } = await holdOf(deps, job);
  const settled = await deps.ledger.settle({ holdId: job.holdId, units, response: result });
  if (settled.outcome === "posted") await end(deps, owner, job, { state: "succeeded" });
  else await fail(deps, owner, job, settled.outcome === "expired" ? errors.generationTimeout() : errors.interrupted());
}

/** Gives the units back, then says that the job has failed, or without an error that it is cancelled. */
async function fail(deps: Deps, owner: string, job: ClaimedJob, error: ApiError | undefined): Promise<void> {
  const standing = await deps.ledger.void({ holdId: job.holdId });
  // Charged, and only its end was not noted: what is paid for is delivered.
  if (standing.outcome === "posted") return end(deps, owner, job, { state: "succeeded" });
  if (error === undefined) return end(deps, owner, job, { state: "cancelled" });
  logFailure(deps.log, job.requestId, error);
  await end(deps, owner, job, { state: "failed", error: JSON.stringify(error.envelope().error) });
}

/** Nothing where the job is another gateway's by now: that one says how it ended. */
async function end(deps: Deps, owner: string, job: ClaimedJob, how: JobEnd): Promise<void> {
  if (!(await deps.ledger.jobs.end(job.id, owner, how, deps.now() + deps.fileTtlMs))) return;
  const { id, requestId, accountId, keyId, model } = job;
  const ms = deps.now() - job.createdAt;
  deps.log.info({ requestId, job: id, account: accountId, key: keyId, model, state: how.state, ms }, "job ended");
}

async function holdOf(deps: Deps, job: ClaimedJob): Promise<Hold> {
  const hold = await deps.ledger.getHold(job.holdId);
  if (!hold) throw errors.internal(new Error(`job ${job.id} has no hold`));
  return hold;
}

function retryMs(error: unknown): number {
  return Number(toApiError(error).headers["retry-after-ms"] ?? RETRY_MS);
}

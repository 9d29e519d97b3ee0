import { randomUUID } from "node:crypto";
import type { AccountId, ClaimedJob, Job, JobId } from "@atoma/ledger";
import { every, sleep } from "../clock.ts";
import type { Context } from "../context.ts";
import { JobStopped, runJob } from "./run-job.ts";

/** Runs this gateway's share of the jobs. */
export interface Runner {
  /** A job was put into the queue: looks for work now. */
  wake(): void;
  /** Ends a job of the account, wherever it runs, and gives it as it is then; undefined when there is none. */
  cancel(accountId: AccountId, id: JobId): Promise<Job | undefined>;
  /** Claims nothing any more. Resolves when nothing runs, or after `graceMs`, when the rest has gone back to the queue. */
  close(graceMs: number): Promise<void>;
}

/** How long a gateway that says nothing keeps its jobs. Renewed every tick. */
const LEASE_MS = 15_000;
const TICK_MS = 1000;
/** How long `cancel` waits for a job that another gateway runs. */
const CANCEL_WAIT_MS = 5000;

/** A cancellation of a job that another gateway runs. */
interface Cancellation {
  readonly accountId: AccountId;
  readonly id: JobId;
  readonly until: number;
  readonly resolve: (job: Job | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export function startRunner(context: Context, maxRunning: number): Runner {
  const { clock } = context;
  const { jobs } = context.ledger;
  const owner = `gw_${randomUUID()}`;
  const running = new Map<JobId, { stop: AbortController; ended: Promise<void> }>();
  const cancellations = new Set<Cancellation>();
  let closing = false;
  let ticking: Promise<void> | undefined;
  let again = false;

  const leaseUntil = () => clock.now() + LEASE_MS;

  function start(job: ClaimedJob): void {
    const stop = new AbortController();
    const ended = runJob(context, owner, job, stop.signal)
      .catch((error: unknown) => {
        context.log.error({ err: error, requestId: job.requestId, job: job.id }, "a job was left to its lease");
      })
      .finally(() => {
        running.delete(job.id);
        wake();
      });
    running.set(job.id, { stop, ended });
  }

  /** Keeps what runs here ours, and hears what was asked of it. */
  async function renew(): Promise<void> {
    const ids = [...running.keys()];
    const ours = new Map((await jobs.renew(owner, leaseUntil(), ids)).map((job) => [job.id, job]));
    for (const id of ids) {
      const job = ours.get(id);
      if (job === undefined) running.get(id)?.stop.abort(new JobStopped("lost"));
      else if (job.cancelAt !== null) running.get(id)?.stop.abort(new JobStopped("cancelled"));
    }
  }

  /** Looks how far the cancellations are that wait for another gateway. */
  async function lookAfter(): Promise<void> {
    for (const cancellation of cancellations) {
      const { accountId, id, until, resolve, reject } = cancellation;
      try {
        const job = await jobs.find(accountId, id);
        if (job !== undefined && job.endedAt === null && clock.monotonic() < until && !closing) continue;
        resolve(job);
      } catch (error) {
        reject(error);
      }
      cancellations.delete(cancellation);
    }
  }

  async function tick(): Promise<void> {
    await lookAfter();
    await renew();
    const free = maxRunning - running.size;
    if (closing || free <= 0) return;
    const claimed = await jobs.claim(owner, leaseUntil(), free, context.registry.anyReady() ? undefined : "overdue");
    for (const job of claimed) start(job);
  }

  function wake(): void {
    if (closing && running.size === 0 && cancellations.size === 0) return;
    if (ticking !== undefined) {
      again = true;
      return;
    }
    ticking = tick()
      .catch((error: unknown) => context.log.warn({ err: error }, "the queue of jobs cannot be read"))
      .finally(() => {
        ticking = undefined;
        if (!again) return;
        again = false;
        wake();
      });
  }

  const stopTicking = every(clock, TICK_MS, wake);

  /** Resolves with the job once it has ended, or after a while as it is then. */
  async function ended(accountId: AccountId, id: JobId): Promise<Job | undefined> {
    const job = await jobs.find(accountId, id);
    if (job === undefined || job.endedAt !== null || closing) return job;
    const until = clock.monotonic() + CANCEL_WAIT_MS;
    return new Promise((resolve, reject) => {
      cancellations.add({ accountId, id, until, resolve, reject });
    });
  }

  return {
    wake,
    async cancel(accountId, id) {
      const asked = await jobs.cancel(accountId, id, owner, leaseUntil());
      if (asked === undefined) return undefined;
      if (asked.claimed) start(asked.claimed);
      const here = running.get(id);
      here?.stop.abort(new JobStopped("cancelled"));
      await here?.ended;
      return ended(accountId, id);
    },
    async close(graceMs) {
      closing = true;
      const all = () => Promise.all([...running.values()].map((run) => run.ended));
      const stopAll = () => {
        for (const run of running.values()) run.stop.abort(new JobStopped("stopping"));
      };
      const idle = async () => {
        await ticking;
        await all();
      };
      const enough = new AbortController();
      const grace = sleep(clock, graceMs, enough.signal).catch(() => {});
      await Promise.race([idle(), grace]);
      enough.abort();
      stopAll();
      // What was being claimed when the time was up has begun by now.
      await ticking;
      stopAll();
      await all();
      await lookAfter();
      stopTicking();
    },
  };
}

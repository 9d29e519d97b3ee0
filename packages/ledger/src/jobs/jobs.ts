import type { AccountId, HoldId, JobId, KeyId } from "../ids.ts";

export type JobState = "queued" | "running" | "succeeded" | "failed" | "cancelled";

/** How a job ends: with the result that was kept before, with an error as JSON, or because somebody asked for it. */
export type JobEnd = { state: "succeeded" } | { state: "failed"; error: string } | { state: "cancelled" };

export interface NewJob {
  id: JobId;
  /** What pays for it. */
  holdId: HoldId;
  accountId: AccountId;
  keyId: KeyId;
  requestId: string;
  model: string;
  /** What is to be made, prompt included; at most 1,048,576 characters. Deleted when the job ends. */
  request: string;
  /** When it must have ended. */
  deadline: number;
}

export interface Job extends Omit<NewJob, "request"> {
  state: JobState;
  /** Null when the job has ended. */
  request: string | null;
  createdAt: number;
  startedAt: number | null;
  endedAt: number | null;
  /** When it is forgotten; null while it is open. */
  expiresAt: number | null;
  /** When somebody asked for its end. */
  cancelAt: number | null;
  /** What was made, kept before it is charged; the job has succeeded only when its state says so. */
  result: string | null;
  error: string | null;
}

/** A job that a gateway has just made its own. */
export interface ClaimedJob extends Job {
  request: string;
  /** Its former owner let the lease run out: nobody knows how far it came, but for a `result`. */
  orphaned: boolean;
}

/** A job that has ended and whose key wants to be told. `attempt` counts from 1. */
export interface DueWebhook {
  jobId: JobId;
  state: JobState;
  endedAt: number;
  url: string;
  secret: string;
  attempt: number;
}

/**
 * Jobs that outlive the request, and the gateway, that began them. A gateway owns what it runs by a lease; every change by
 * an owner happens only while the job is still its own, and tells whether it did.
 */
export interface Jobs {
  /**
   * Whether `enqueue` would now take one more of the account's, or the idempotency key has begun something already. Asked before the
   * reservation, so that a job that is refused takes nothing of the key's limits.
   */
  hasRoom(accountId: AccountId, maxQueued: number, idempotencyKey?: string): Promise<boolean>;
  /** `full`: the account has `maxQueued` jobs that wait already. */
  enqueue(job: NewJob, maxQueued: number): Promise<"queued" | "full">;
  find(accountId: AccountId, id: JobId): Promise<Job | undefined>;
  /** The job that the account's idempotency key stands for now. */
  findByIdempotencyKey(accountId: AccountId, key: string): Promise<Job | undefined>;

  /**
   * Makes at most `limit` jobs the owner's: orphaned ones first, then those that wait, of the accounts with the fewest running
   * ones first. `only: "overdue"` leaves alone what waits and could still be made.
   */
  claim(owner: string, leaseUntil: number, limit: number, only?: "overdue"): Promise<ClaimedJob[]>;
  /** Prolongs the leases of these jobs. Those that are missing from the answer are no longer the owner's. */
  renew(owner: string, leaseUntil: number, ids: readonly JobId[]): Promise<{ id: JobId; cancelAt: number | null }[]>;
  /** Ends every lease, for a gateway that starts and knows that it is the only one. */
  endLeases(): Promise<void>;
  /** Puts a job back that certainly nobody has begun, or that was stopped. */
  requeue(id: JobId, owner: string, notBefore: number): Promise<boolean>;
  /** Keeps what was made, at most 65,536 characters, before it is charged. */
  keepResult(id: JobId, owner: string, result: string): Promise<boolean>;
  /** Ends a job: deletes its request, forgets it at `expiresAt`, and makes its key's webhook due. */
  end(id: JobId, owner: string, end: JobEnd, expiresAt: number): Promise<boolean>;
  /** Asks for a job's end. One that waits becomes the asker's, who ends it; one that runs is left to its owner. */
  cancel(
    accountId: AccountId,
    id: JobId,
    owner: string,
    leaseUntil: number,
  ): Promise<{ job: Job; claimed: ClaimedJob | undefined } | undefined>;

  /**
   * Takes at most `limit` webhooks whose time has come, but none to a receiver whose origin (`https://host:port`) is `busy`;
   * each comes again at `again` unless its delivery is noted.
   */
  dueWebhooks(limit: number, again: number, busy?: readonly string[]): Promise<DueWebhook[]>;
  /** When to try again; null: never. */
  noteWebhook(id: JobId, retryAt: number | null): Promise<void>;
}

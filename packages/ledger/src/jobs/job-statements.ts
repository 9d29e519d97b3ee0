import { onlyRow } from "../admin/audit.ts";
import { type AccountId, accountIdFrom, holdIdFrom, type JobId, jobIdFrom, keyIdFrom } from "../ids.ts";
import { int, intOrNull, type Row, text, textOrNull } from "../sql/rows.ts";
import { query, type Script } from "../sql/script.ts";
import type { ClaimedJob, DueWebhook, Job, JobEnd, JobState, NewJob } from "./jobs.ts";

const NAMES = `id, hold_id, account_id, key_id, request_id, model, state, request, created_at, deadline, cancel_at,
  started_at, ended_at, expires_at, result, error`;
const COLUMNS = NAMES.replaceAll(/\w+/g, "jobs.$&");
// Changes nothing, but makes those wait that add a job to the same account.
const LOCK_ACCOUNT = "UPDATE accounts SET name = name WHERE id = $1";
const COUNT_QUEUED = "SELECT count(*) AS queued FROM jobs WHERE account_id = $1 AND state = 'queued'";
const ROOM = `
  SELECT (SELECT count(*) FROM jobs WHERE account_id = $1 AND state = 'queued') AS queued,
    (SELECT count(*) FROM idempotency WHERE account_id = $1 AND key = $2) AS known`;
const INSERT = `
  INSERT INTO jobs (id, hold_id, account_id, key_id, request_id, model, state, request, created_at, deadline, not_before)
  VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, $8, $9, $8)`;
const FIND = `SELECT ${COLUMNS} FROM jobs WHERE id = $1 AND account_id = $2`;
const FIND_BY_KEY = `
  SELECT ${COLUMNS} FROM idempotency JOIN jobs ON jobs.hold_id = idempotency.hold_id
  WHERE idempotency.account_id = $1 AND idempotency.key = $2`;
const ORPHANED = `
  SELECT id FROM jobs WHERE state = 'running' AND lease_until <= $1 ORDER BY lease_until LIMIT $2`;
const OVERDUE = `
  SELECT id FROM jobs WHERE state = 'queued' AND (deadline <= $1 OR cancel_at IS NOT NULL) ORDER BY deadline LIMIT $2`;
const WAITING = `
  SELECT id FROM jobs WHERE state = 'queued' AND not_before <= $1
  ORDER BY (SELECT count(*) FROM jobs other WHERE other.account_id = jobs.account_id AND other.state = 'running'), created_at
  LIMIT $2`;
const TAKE = `
  UPDATE jobs SET state = 'running', owner = $2, lease_until = $3, started_at = COALESCE(started_at, $4)
  WHERE id = $1 RETURNING ${NAMES}`;
const REQUEUE = `
  UPDATE jobs SET state = 'queued', owner = NULL, lease_until = NULL, not_before = $3
  WHERE id = $1 AND owner = $2 RETURNING id`;
const END_LEASES = "UPDATE jobs SET lease_until = 0 WHERE state = 'running'";
const KEEP_RESULT = "UPDATE jobs SET result = $3 WHERE id = $1 AND owner = $2 RETURNING id";
const END = `
  UPDATE jobs SET state = $3, error = $4, result = CASE WHEN $5 = 1 THEN result END, request = NULL, owner = NULL,
    lease_until = NULL, ended_at = $6, expires_at = $7,
    webhook_at = (SELECT CAST($6 AS bigint) FROM webhooks WHERE webhooks.key_id = jobs.key_id)
  WHERE id = $1 AND owner = $2 RETURNING id`;
const ASK_TO_END = `
  UPDATE jobs SET cancel_at = COALESCE(cancel_at, $3)
  WHERE id = $1 AND account_id = $2 AND state IN ('queued', 'running') RETURNING ${NAMES}`;
/** Due at $1, at most $2. The URLs are written as `URL` writes them: after the origin comes a slash. */
const due = (busy: readonly string[]): string => `
  SELECT jobs.id, jobs.state, jobs.ended_at, jobs.webhook_attempts, webhooks.url, webhooks.secret
  FROM jobs LEFT JOIN webhooks ON webhooks.key_id = jobs.key_id
  WHERE jobs.webhook_at <= $1${busy.map((_, index) => notTo(`$${index + 3}`)).join("")}
  ORDER BY jobs.webhook_at LIMIT $2`;
const notTo = (origin: string): string => `
    AND (webhooks.url IS NULL OR substr(webhooks.url, 1, length(CAST(${origin} AS text)) + 1) <> ${origin} || '/')`;
const ATTEMPT = "UPDATE jobs SET webhook_at = $2, webhook_attempts = webhook_attempts + 1 WHERE id = $1";
const NOTE_WEBHOOK = "UPDATE jobs SET webhook_at = $2 WHERE id = $1";

/** Appended to a statement whose rows are about to be changed: skips those that somebody else is changing. */
export type Locking = "" | " FOR UPDATE OF jobs SKIP LOCKED";

const STATES: readonly JobState[] = ["queued", "running", "succeeded", "failed", "cancelled"];

function stateFrom(row: Row): JobState {
  const name = text(row, "state");
  const state = STATES.find((known) => known === name);
  if (state === undefined) throw new Error(`the database gave the job state ${name}`);
  return state;
}

function jobFrom(row: Row): Job {
  return {
    id: jobIdFrom(text(row, "id")),
    holdId: holdIdFrom(text(row, "hold_id")),
    accountId: accountIdFrom(text(row, "account_id")),
    keyId: keyIdFrom(text(row, "key_id")),
    requestId: text(row, "request_id"),
    model: text(row, "model"),
    state: stateFrom(row),
    request: textOrNull(row, "request"),
    createdAt: int(row, "created_at"),
    deadline: int(row, "deadline"),
    cancelAt: intOrNull(row, "cancel_at"),
    startedAt: intOrNull(row, "started_at"),
    endedAt: intOrNull(row, "ended_at"),
    expiresAt: intOrNull(row, "expires_at"),
    result: textOrNull(row, "result"),
    error: textOrNull(row, "error"),
  };
}

export function* hasRoom(accountId: AccountId, maxQueued: number, key: string | undefined): Script<boolean> {
  // No idempotency key is empty.
  const row = onlyRow(yield query(ROOM, accountId, key ?? ""));
  return int(row, "queued") < maxQueued || int(row, "known") > 0;
}

export function* enqueue(job: NewJob, maxQueued: number, now: number): Script<"queued" | "full"> {
  const { id, holdId, accountId, keyId, requestId, model, request, deadline } = job;
  yield query(LOCK_ACCOUNT, accountId);
  if (int(onlyRow(yield query(COUNT_QUEUED, accountId)), "queued") >= maxQueued) return "full";
  yield query(INSERT, id, holdId, accountId, keyId, requestId, model, request, now, deadline);
  return "queued";
}

export function* find(accountId: AccountId, id: JobId): Script<Job | undefined> {
  const [row] = yield query(FIND, id, accountId);
  return row === undefined ? undefined : jobFrom(row);
}

export function* findByIdempotencyKey(accountId: AccountId, key: string): Script<Job | undefined> {
  const [row] = yield query(FIND_BY_KEY, accountId, key);
  return row === undefined ? undefined : jobFrom(row);
}

export interface Claim {
  owner: string;
  leaseUntil: number;
  now: number;
}

function* take(id: string, orphaned: boolean, { owner, leaseUntil, now }: Claim): Script<ClaimedJob> {
  const job = jobFrom(onlyRow(yield query(TAKE, id, owner, leaseUntil, now)));
  if (job.request === null) throw new Error(`job ${id} runs and has no request`);
  return { ...job, request: job.request, orphaned };
}

export function* claim(by: Claim, limit: number, only: "overdue" | undefined, locking: Locking): Script<ClaimedJob[]> {
  const claimed: ClaimedJob[] = [];
  const sources = [
    { select: ORPHANED, orphaned: true },
    { select: OVERDUE, orphaned: false },
    ...(only === "overdue" ? [] : [{ select: WAITING, orphaned: false }]),
  ];
  for (const { select, orphaned } of sources) {
    if (claimed.length >= limit) break;
    for (const row of yield query(select + locking, by.now, limit - claimed.length)) {
      claimed.push(yield* take(text(row, "id"), orphaned, by));
    }
  }
  return claimed;
}

export function* renew(
  owner: string,
  leaseUntil: number,
  ids: readonly JobId[],
): Script<{ id: JobId; cancelAt: number | null }[]> {
  const list = ids.map((_, index) => `$${index + 3}`).join(", ");
  const rows = yield query(
    `UPDATE jobs SET lease_until = $2 WHERE owner = $1 AND id IN (${list}) RETURNING id, cancel_at`,
    owner,
    leaseUntil,
    ...ids,
  );
  return rows.map((row) => ({ id: jobIdFrom(text(row, "id")), cancelAt: intOrNull(row, "cancel_at") }));
}

export function* endLeases(): Script<void> {
  yield query(END_LEASES);
}

export function* requeue(id: JobId, owner: string, notBefore: number): Script<boolean> {
  return (yield query(REQUEUE, id, owner, notBefore)).length === 1;
}

export function* keepResult(id: JobId, owner: string, result: string): Script<boolean> {
  return (yield query(KEEP_RESULT, id, owner, result)).length === 1;
}

export function* end(id: JobId, owner: string, how: JobEnd, expiresAt: number, now: number): Script<boolean> {
  const error = how.state === "failed" ? how.error : null;
  const keeps = how.state === "succeeded" ? 1 : 0;
  return (yield query(END, id, owner, how.state, error, keeps, now, expiresAt)).length === 1;
}

export function* cancel(
  accountId: AccountId,
  id: JobId,
  by: Claim,
): Script<{ job: Job; claimed: ClaimedJob | undefined } | undefined> {
  const [row] = yield query(ASK_TO_END, id, accountId, by.now);
  if (row === undefined) {
    const job = yield* find(accountId, id);
    return job === undefined ? undefined : { job, claimed: undefined };
  }
  if (stateFrom(row) !== "queued") return { job: jobFrom(row), claimed: undefined };
  const claimed = yield* take(id, false, by);
  return { job: claimed, claimed };
}

export function* dueWebhooks(
  limit: number,
  again: number,
  busy: readonly string[],
  now: number,
  locking: Locking,
): Script<DueWebhook[]> {
  const taken: DueWebhook[] = [];
  for (const row of yield query(due(busy) + locking, now, limit, ...busy)) {
    const jobId = jobIdFrom(text(row, "id"));
    const url = textOrNull(row, "url");
    // The webhook was taken away meanwhile.
    yield url === null ? query(NOTE_WEBHOOK, jobId, null) : query(ATTEMPT, jobId, again);
    if (url === null) continue;
    taken.push({
      jobId,
      state: stateFrom(row),
      endedAt: int(row, "ended_at"),
      url,
      secret: text(row, "secret"),
      attempt: int(row, "webhook_attempts") + 1,
    });
  }
  return taken;
}

export function* noteWebhook(id: JobId, retryAt: number | null): Script<void> {
  yield query(NOTE_WEBHOOK, id, retryAt);
}

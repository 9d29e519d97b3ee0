import type {
  IdempotencyRecord,
  KeyLimits,
  KeyRights,
  LimitLeft,
  LimitStatus,
  ReserveOperation,
  ReserveResult,
  WindowSecond,
} from "./types.ts";
import { usedInWindow, waitForRoom } from "./window.ts";

/** When to ask again for something that another request of the same client is about to finish. */
export const RUNNING_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/** A request that holds an idempotency key. */
export interface RunningRequest {
  createdAt: number;
  deadline: number;
}

/**
 * What to say to a request whose idempotency key another one holds. When that ends is not known, only when it ends at the
 * latest. So the wait is a second at first and later a quarter of how long it has run: a client asks a few times, whatever the request takes.
 */
export function inProgress({ createdAt, deadline }: RunningRequest, now: number) {
  const endsWithinMs = Math.max(RUNNING_RETRY_MS, deadline - now);
  const wait = Math.max(RUNNING_RETRY_MS, (now - createdAt) / 4);
  const retryAfterMs = Math.floor(Math.min(wait, LONGEST_RETRY_MS, endsWithinMs));
  return { outcome: "in_progress", retryAfterMs, endsWithinMs } as const;
}

/** What a decision rests on, besides the request itself. */
export interface AdmissionFacts {
  key: KeyRights | undefined;
  idempotency: IdempotencyRecord | undefined;
  /** The request that holds the idempotency key. */
  running: RunningRequest | undefined;
  available: number;
  window: readonly WindowSecond[];
  leases: number;
}

type Refusal = Exclude<ReserveResult, { outcome: "held" }>;

/** Whether the key may be used at all for this request. */
export function refusedByKey(request: ReserveOperation, key: KeyRights | undefined, now: number): Refusal | undefined {
  if (key === undefined || key.accountId !== request.accountId) return { outcome: "key_invalid" };
  if (key.revokedAt !== null || key.disabledAt !== null) return { outcome: "key_invalid" };
  if (key.expiresAt !== null && key.expiresAt <= now) return { outcome: "key_invalid" };
  if (key.allowedModels !== null && !key.allowedModels.includes(request.model)) return { outcome: "model_not_allowed" };
  return undefined;
}

/** Whether the same idempotency key was used before, and what became of it. */
export function refusedByIdempotency(
  request: ReserveOperation,
  { idempotency: record, running }: Pick<AdmissionFacts, "idempotency" | "running">,
  now: number,
): Refusal | undefined {
  if (request.idempotency === null || record === undefined) return undefined;
  if (record.fingerprint !== request.idempotency.fingerprint) return { outcome: "idempotency_key_reused" };
  if (record.response === null) return inProgress(running ?? { createdAt: now, deadline: now }, now);
  return { outcome: "replay", holdId: record.holdId, response: record.response };
}

function refusedByLimits(
  request: ReserveOperation,
  limits: KeyLimits,
  facts: AdmissionFacts,
  now: number,
): Refusal | undefined {
  const windowLimits = [
    ["requests", 1, limits.requestsPerMinute],
    ["images", request.images, limits.imagesPerMinute],
  ] as const;
  for (const [count, need, limitValue] of windowLimits) {
    if (limitValue === null) continue;
    const used = usedInWindow(facts.window, count, now);
    if (used + need <= limitValue) continue;
    return {
      outcome: "rate_limited",
      limit: count,
      limitValue,
      remaining: Math.max(0, limitValue - used),
      retryAfterMs: waitForRoom(facts.window, count, need, limitValue, now),
    };
  }
  const limitValue = limits.concurrentRequests;
  if (limitValue === null || facts.leases < limitValue) return undefined;
  return { outcome: "rate_limited", limit: "concurrency", limitValue, remaining: 0, retryAfterMs: RUNNING_RETRY_MS };
}

/**
 * Why a request is refused, or undefined when it is admitted. The order is: the key and its models; the idempotency key
 * (a replay costs nothing, so nothing else is asked of it); the balance, which waiting does not mend; the limits,
 * which it does.
 */
export function refusal(request: ReserveOperation, facts: AdmissionFacts, now: number): Refusal | undefined {
  const refused = refusedByKey(request, facts.key, now) ?? refusedByIdempotency(request, facts, now);
  if (refused !== undefined || facts.key === undefined) return refused;
  if (request.units > facts.available) return { outcome: "insufficient_balance", available: facts.available };
  return refusedByLimits(request, facts.key.limits, facts, now);
}

function left(limit: number | null, used: number): LimitLeft {
  return limit === null ? null : { limit, remaining: Math.max(0, limit - used) };
}

/** What is left of a key's limits. */
export function limitStatus(
  limits: KeyLimits,
  window: readonly WindowSecond[],
  leases: number,
  now: number,
): LimitStatus {
  return {
    requests: left(limits.requestsPerMinute, usedInWindow(window, "requests", now)),
    images: left(limits.imagesPerMinute, usedInWindow(window, "images", now)),
    concurrency: left(limits.concurrentRequests, leases),
  };
}

import { limitStatus, refusal } from "./admission.ts";
import type { Batch } from "./batch.ts";
import {
  available,
  type HoldFacts,
  type KeyLimits,
  type KeyRights,
  type Rejection,
  type ReserveOperation,
  type ReserveResult,
  type StoredHold,
} from "./types.ts";
import { WINDOW_MS } from "./window.ts";

const hasRate = (limits: KeyLimits): boolean => limits.requestsPerMinute !== null || limits.imagesPerMinute !== null;

function currentUse(batch: Batch, request: ReserveOperation, key: KeyRights | undefined) {
  const { store, now } = batch;
  return {
    window: key !== undefined && hasRate(key.limits) ? store.window(request.keyId, now - WINDOW_MS) : [],
    leases: key !== undefined && key.limits.concurrentRequests !== null ? store.leases(request.keyId, now) : 0,
  };
}

/** The same reservation asked for again, because its answer was lost. */
function isSame(hold: HoldFacts, request: ReserveOperation): boolean {
  return (
    hold.state === "held" &&
    hold.accountId === request.accountId &&
    hold.keyId === request.keyId &&
    hold.units === request.units &&
    hold.model === request.model &&
    hold.images === request.images &&
    hold.idempotencyKey === (request.idempotency?.key ?? null)
  );
}

function admitted(batch: Batch, request: ReserveOperation, key: KeyRights | undefined): ReserveResult {
  const balance = batch.balance(request.accountId);
  if (key === undefined || balance === undefined) return { outcome: "key_invalid" };
  const use = currentUse(batch, request, key);
  return {
    outcome: "held",
    holdId: request.holdId,
    available: available(balance),
    limits: limitStatus(key.limits, use.window, use.leases, batch.now),
  };
}

/** What becomes of a reservation whose id names one that is there already; undefined when none is. */
function again(batch: Batch, request: ReserveOperation, key: KeyRights | undefined) {
  const existing = batch.store.hold(request.holdId);
  if (existing === undefined) return undefined;
  if (isSame(existing, request)) return admitted(batch, request, key);
  return { outcome: "rejected", code: "hold_id_reused" } as const;
}

/** Admits one request and writes its hold, or refuses it and writes nothing. */
export function reserve(batch: Batch, request: ReserveOperation): ReserveResult | Rejection {
  const { store, now } = batch;
  const key = batch.key(request.keyId);
  const balance = batch.balance(request.accountId);
  if (balance === undefined) return again(batch, request, key) ?? { outcome: "key_invalid" };
  const idempotencyKey = request.idempotency?.key ?? null;
  const use = currentUse(batch, request, key);
  const idempotency = idempotencyKey === null ? undefined : store.idempotency(request.accountId, idempotencyKey);
  const refused = refusal(
    request,
    {
      key,
      idempotency,
      running: idempotency?.response === null ? store.hold(idempotency.holdId) : undefined,
      available: available(balance),
      ...use,
    },
    now,
  );
  if (refused !== undefined) return again(batch, request, key) ?? refused;
  // Nearly every id is new, so it is not looked for first.
  if (!store.insertHold(newHold(request, idempotencyKey, now))) {
    return again(batch, request, key) ?? { outcome: "rejected", code: "hold_id_reused" };
  }

  balance.pending += request.units;
  if (request.idempotency !== null) {
    const { key: name, fingerprint } = request.idempotency;
    store.startIdempotency(request.accountId, name, { fingerprint, holdId: request.holdId, response: null }, now);
  }
  if (key !== undefined && hasRate(key.limits)) {
    store.countInWindow(request.keyId, {
      second: Math.floor(now / 1000),
      requests: 1,
      images: request.images,
      lastAt: now,
    });
  }
  return admitted(batch, request, key);
}

function newHold(request: ReserveOperation, idempotencyKey: string | null, now: number): StoredHold {
  const { accountId, keyId, requestId, model, images, units, price, deadline } = request;
  return {
    id: request.holdId,
    accountId,
    keyId,
    requestId,
    model,
    images,
    units,
    price,
    createdAt: now,
    deadline,
    idempotencyKey,
    state: "held",
    postedUnits: 0,
    resolvedAt: null,
  };
}

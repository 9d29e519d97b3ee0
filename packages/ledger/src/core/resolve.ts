import type { Batch } from "./batch.ts";
import {
  CONSUMED,
  type HoldFacts,
  type Rejection,
  type ResolveResult,
  type SettleOperation,
  type VoidOperation,
} from "./types.ts";

function release(batch: Batch, hold: HoldFacts): void {
  const balance = batch.balance(hold.accountId);
  if (balance !== undefined) balance.pending -= hold.units;
}

function alreadyResolved(hold: HoldFacts, state: "posted" | "voided" | "expired"): ResolveResult {
  return { outcome: state, units: hold.postedUnits, alreadyResolved: true };
}

/** Charges `units` of what is held, gives the rest back, and keeps the answer for the idempotency key. */
export function settle(batch: Batch, operation: SettleOperation): ResolveResult | Rejection {
  const { store, now } = batch;
  const hold = store.hold(operation.holdId);
  if (hold === undefined) return { outcome: "not_found" };
  if (hold.state !== "held") return alreadyResolved(hold, hold.state);
  if (operation.units > hold.units) return { outcome: "rejected", code: "units_exceed_hold", held: hold.units };

  release(batch, hold);
  const balance = batch.balance(hold.accountId);
  if (balance !== undefined) balance.posted += operation.units;
  store.resolveHold(hold.id, { state: "posted", postedUnits: operation.units, resolvedAt: now });
  store.appendJournal({
    id: hold.id,
    kind: "post",
    debit: hold.accountId,
    credit: CONSUMED,
    units: operation.units,
    at: now,
  });
  if (hold.idempotencyKey !== null) {
    const expiresAt = now + batch.idempotencyRetentionMs;
    store.finishIdempotency(hold.accountId, hold.idempotencyKey, operation.response ?? "", expiresAt);
  }
  batch.addUsage({
    day: batch.day,
    accountId: hold.accountId,
    keyId: hold.keyId,
    model: hold.model,
    requests: 1,
    images: hold.images,
    units: operation.units,
  });
  return { outcome: "posted", units: operation.units, alreadyResolved: false };
}

function letGo(batch: Batch, hold: HoldFacts, state: "voided" | "expired"): ResolveResult {
  release(batch, hold);
  batch.store.resolveHold(hold.id, { state, postedUnits: 0, resolvedAt: batch.now });
  if (hold.idempotencyKey !== null) batch.store.freeIdempotency(hold.accountId, hold.idempotencyKey);
  return { outcome: state, units: 0, alreadyResolved: false };
}

/** Gives everything back and frees the idempotency key. */
export function voidHold(batch: Batch, operation: VoidOperation): ResolveResult {
  const hold = batch.store.hold(operation.holdId);
  if (hold === undefined) return { outcome: "not_found" };
  if (hold.state !== "held") return alreadyResolved(hold, hold.state);
  return letGo(batch, hold, "voided");
}

/** Lets go of at most `limit` holds whose deadline has come. Returns how many. */
export function expireOverdue(batch: Batch, limit: number): number {
  const overdue = batch.store.overdue(batch.now, limit);
  for (const hold of overdue) letGo(batch, hold, "expired");
  return overdue.length;
}

import { openBatch } from "./batch.ts";
import { reserve } from "./reserve.ts";
import { expireOverdue, settle, voidHold } from "./resolve.ts";
import type { Store } from "./store.ts";
import type { Operation, OperationResult } from "./types.ts";

/**
 * Applies operations that arrived together, in one transaction of the store. Each gets its own result, in their order.
 * Settlements and releases go first, so that what they free is there for the reservations.
 */
export function applyOperations(
  store: Store,
  operations: readonly Operation[],
  now: number,
  idempotencyRetentionMs: number,
): OperationResult[] {
  const batch = openBatch(store, now, idempotencyRetentionMs);
  const results = new Map<Operation, OperationResult>();
  for (const operation of operations) {
    if (operation.kind === "settle") results.set(operation, settle(batch, operation));
    if (operation.kind === "void") results.set(operation, voidHold(batch, operation));
  }
  for (const operation of operations) {
    if (operation.kind === "reserve") results.set(operation, reserve(batch, operation));
  }
  batch.flush();
  return operations.flatMap((operation) => results.get(operation) ?? []);
}

/** Expires at most `limit` overdue holds in one transaction of the store. Returns how many. */
export function applyExpiry(store: Store, now: number, limit: number): number {
  const batch = openBatch(store, now, 0);
  const expired = expireOverdue(batch, limit);
  batch.flush();
  return expired;
}

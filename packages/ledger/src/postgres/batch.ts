import { int, intOrNull, type Row, text } from "../admin/rows.ts";
import type {
  LimitLeft,
  Operation,
  OperationResult,
  ReserveOperation,
  SettleOperation,
  VoidOperation,
} from "../core/types.ts";
import { holdIdFrom } from "../ids.ts";
import { numberArray, textArray } from "./arrays.ts";

export const APPLY_BATCH = `SELECT * FROM apply_batch(
  $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`;

/** When to ask again for something that another request of the same client is about to finish. */
const RUNNING_RETRY_MS = 1_000;

/** Different things in the order they first came, each with its number from 1. */
function numbering<Thing>() {
  const numbers = new Map<string, number>();
  const things: Thing[] = [];
  return {
    things,
    of(name: string, thing: Thing): number {
      const known = numbers.get(name);
      if (known !== undefined) return known;
      things.push(thing);
      numbers.set(name, things.length);
      return things.length;
    },
  };
}

/** The parameters of `apply_batch` in the order of `APPLY_BATCH`. */
function batchParameters(
  reservations: readonly ReserveOperation[],
  resolutions: readonly (SettleOperation | VoidOperation)[],
  now: number,
  retentionMs: number,
): (number | string)[] {
  const accounts = numbering<string>();
  const keys = numbering<string>();
  const rights = numbering<ReserveOperation>();
  const idempotencies = numbering<string>();
  const accountNos = reservations.map((r) => accounts.of(r.accountId, r.accountId));
  const keyNos = reservations.map((r) => keys.of(r.keyId, r.keyId));
  const rightNos = reservations.map((r) => rights.of(`${r.keyId} ${r.accountId} ${r.model}`, r));
  const idempotencyNos = reservations.map((r) =>
    r.idempotency === null ? null : idempotencies.of(`${r.accountId} ${r.idempotency.key}`, r.idempotency.key),
  );
  return [
    now,
    retentionMs,
    textArray(resolutions.map((r) => r.holdId)),
    numberArray(resolutions.map((r) => (r.kind === "settle" ? r.units : 0))),
    textArray(resolutions.map((r) => (r.kind === "settle" ? r.response : null))),
    textArray(accounts.things),
    textArray(keys.things),
    textArray(rights.things.map((r) => r.accountId)),
    textArray(rights.things.map((r) => r.keyId)),
    textArray(rights.things.map((r) => r.model)),
    textArray(reservations.map((r) => r.holdId)),
    numberArray(accountNos),
    numberArray(keyNos),
    numberArray(rightNos),
    textArray(reservations.map((r) => r.requestId)),
    numberArray(reservations.map((r) => r.images)),
    numberArray(reservations.map((r) => r.units)),
    textArray(reservations.map((r) => r.price)),
    numberArray(reservations.map((r) => r.deadline)),
    numberArray(idempotencyNos),
    textArray(reservations.map((r) => r.idempotency?.key ?? null)),
    textArray(reservations.map((r) => r.idempotency?.fingerprint ?? null)),
  ];
}

function left(row: Row, limitColumn: string, usedColumn: string): LimitLeft {
  const limit = intOrNull(row, limitColumn);
  return limit === null ? null : { limit, remaining: Math.max(0, limit - int(row, usedColumn)) };
}

function limited(row: Row, limit: "requests" | "images" | "concurrency", column: string): OperationResult {
  const used = limit === "concurrency" ? "running" : `${column}_used`;
  const status = left(row, `${column}_limit`, used);
  return {
    outcome: "rate_limited",
    limit,
    limitValue: status?.limit ?? 0,
    remaining: status?.remaining ?? 0,
    retryAfterMs: intOrNull(row, "wait_ms") ?? RUNNING_RETRY_MS,
  };
}

/** What became of one operation, from its row of `apply_batch`. */
function resultFrom(row: Row): OperationResult {
  const outcome = text(row, "outcome");
  switch (outcome) {
    case "posted":
    case "voided":
    case "expired":
      return { outcome, units: int(row, "units"), alreadyResolved: row.already === true };
    case "not_found":
    case "idempotency_key_reused":
    case "key_invalid":
    case "model_not_allowed":
      return { outcome };
    case "units_exceed_hold":
      return { outcome: "rejected", code: outcome, held: int(row, "units") };
    case "hold_id_reused":
      return { outcome: "rejected", code: outcome };
    case "held":
      return {
        outcome,
        holdId: holdIdFrom(text(row, "hold_id")),
        available: int(row, "units"),
        limits: {
          requests: left(row, "requests_limit", "requests_used"),
          images: left(row, "images_limit", "images_used"),
          concurrency: left(row, "running_limit", "running"),
        },
      };
    case "replay":
      return { outcome, holdId: holdIdFrom(text(row, "hold_id")), response: text(row, "response") };
    case "in_progress":
      return { outcome, retryAfterMs: RUNNING_RETRY_MS };
    case "insufficient_balance":
      return { outcome, available: int(row, "units") };
    case "requests":
    case "images":
      return limited(row, outcome, outcome);
    case "concurrency":
      return limited(row, outcome, "running");
    default:
      throw new Error(`the database gave the outcome ${outcome}`);
  }
}

/**
 * Reservations in rounds to be applied one after another, none with the same hold id twice: such a pair must be decided one
 * after the other, and the batch function decides on what was there before it. Nearly always one round.
 */
function roundsOf(reservations: readonly ReserveOperation[]): ReserveOperation[][] {
  const rounds: ReserveOperation[][] = [];
  let round: ReserveOperation[] = [];
  let holdIds = new Set<string>();
  for (const reservation of reservations) {
    if (holdIds.has(reservation.holdId)) {
      rounds.push(round);
      round = [];
      holdIds = new Set();
    }
    holdIds.add(reservation.holdId);
    round.push(reservation);
  }
  return [...rounds, round];
}

/** Calls `apply_batch` with parameters and gives its rows. */
export type CallBatch = (parameters: (number | string)[]) => Promise<readonly Row[]>;

/** Applies a batch: settlements and releases with the first round of reservations. A result for each, in their order. */
export async function applyBatch(
  call: CallBatch,
  operations: readonly Operation[],
  now: number,
  retentionMs: number,
): Promise<OperationResult[]> {
  const resolutions = operations.filter((operation) => operation.kind !== "reserve");
  const results = new Map<Operation, OperationResult>();
  for (const [index, round] of roundsOf(operations.filter((operation) => operation.kind === "reserve")).entries()) {
    const beside = index === 0 ? resolutions : [];
    const rows = await call(batchParameters(round, beside, now, retentionMs));
    for (const row of rows) {
      const operation = (row.is_reservation === true ? round : beside)[int(row, "ord") - 1];
      if (operation !== undefined) results.set(operation, resultFrom(row));
    }
  }
  return operations.map((operation) => {
    const result = results.get(operation);
    if (result === undefined) throw new Error(`the database gave no result for a ${operation.kind}`);
    return result;
  });
}

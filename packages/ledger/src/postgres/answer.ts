import { inProgress, RUNNING_RETRY_MS } from "../core/admission.ts";
import type {
  LimitLeft,
  LimitStatus,
  OperationResult,
  ReserveOperation,
  SettleOperation,
  VoidOperation,
} from "../core/types.ts";
import { holdIdFrom } from "../ids.ts";
import { int, intOrNull, type Row, text } from "../sql/rows.ts";
import type { Numbered } from "./parameters.ts";

/** What `apply_batch` returns; see there. */
interface Answer {
  unresolved: readonly Row[] | null;
  decided: readonly Row[] | null;
  available: number[] | null;
  limits: (readonly (number | null)[] | null)[] | null;
  used: (number[] | null)[] | null;
}

function list(row: Row, column: string): readonly unknown[] | null {
  const value = row[column];
  if (value === null || Array.isArray(value)) return value;
  throw new Error(`the database gave ${typeof value} in ${column}`);
}

/** The field's value, which `apply_batch` made; its numbers are checked where they are used. */
export function answerFrom(row: Row): Answer {
  const fields = ["unresolved", "decided", "available", "limits", "used"].map((field) => [field, list(row, field)]);
  return Object.fromEntries(fields) as Answer;
}

function safe(value: number | undefined): number {
  if (value === undefined || !Number.isSafeInteger(value)) throw new Error("the database gave no integer");
  return value;
}

const leftOf = (limit: number | null | undefined, used: number): LimitLeft =>
  limit === null || limit === undefined ? null : { limit: safe(limit), remaining: Math.max(0, limit - safe(used)) };

/** Each reservation is held: what is left after it and those before it. */
export function allHeld(answer: Answer, { reservations, accountNos, keyNos, rightNos }: Numbered): OperationResult[] {
  const available = answer.available ?? [];
  const none: LimitStatus = { requests: null, images: null, concurrency: null };

  function take(counts: number[] | null | undefined, no: number, amount: number): number {
    if (counts === null || counts === undefined) return 0;
    const sum = safe(counts[no]) + amount;
    counts[no] = sum;
    return sum;
  }

  function limitsAfter(index: number, images: number): LimitStatus {
    if (answer.limits === null || answer.used === null) return none;
    const keyNo = (keyNos[index] ?? 0) - 1;
    const rightNo = (rightNos[index] ?? 0) - 1;
    const [requestLimits, imageLimits, runningLimits] = answer.limits;
    const [requests, imagesUsed, running] = answer.used;
    return {
      requests: leftOf(requestLimits?.[rightNo], take(requests, keyNo, 1)),
      images: leftOf(imageLimits?.[rightNo], take(imagesUsed, keyNo, images)),
      concurrency: leftOf(runningLimits?.[rightNo], take(running, keyNo, 1)),
    };
  }

  return reservations.map(({ holdId, units, images }, index) => ({
    outcome: "held",
    holdId,
    available: take(available, (accountNos[index] ?? 0) - 1, -units),
    limits: limitsAfter(index, images),
  }));
}

const left = (row: Row, limit: string, used: string): LimitLeft => {
  const value = intOrNull(row, limit);
  return value === null ? null : leftOf(value, int(row, used));
};

function limited(row: Row, limit: "requests" | "images" | "concurrency", name: string): OperationResult {
  const status = left(row, `${name}_limit`, limit === "concurrency" ? "running" : `${name}_used`);
  return {
    outcome: "rate_limited",
    limit,
    limitValue: status?.limit ?? 0,
    remaining: status?.remaining ?? 0,
    retryAfterMs: intOrNull(row, "wait_ms") ?? RUNNING_RETRY_MS,
  };
}

/** What became of one reservation that was decided by itself. */
export function decision(row: Row, now: number): OperationResult {
  const outcome = text(row, "outcome");
  switch (outcome) {
    case "idempotency_key_reused":
    case "key_invalid":
    case "model_not_allowed":
      return { outcome };
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
      return inProgress({ createdAt: int(row, "running_since"), deadline: int(row, "running_until") }, now);
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

/** A resolution that changed nothing. */
function unresolved(row: Row): OperationResult {
  const outcome = text(row, "outcome");
  switch (outcome) {
    case "posted":
    case "voided":
    case "expired":
      return { outcome, units: int(row, "units"), alreadyResolved: true };
    case "not_found":
      return { outcome };
    case "units_exceed_hold":
      return { outcome: "rejected", code: outcome, held: int(row, "units") };
    default:
      throw new Error(`the database gave the outcome ${outcome}`);
  }
}

/** A result for each resolution, in their order: done as it was asked, but for those that the answer names. */
export function resolved(answer: Answer, resolutions: readonly (SettleOperation | VoidOperation)[]): OperationResult[] {
  const results = resolutions.map(
    (operation): OperationResult =>
      operation.kind === "settle"
        ? { outcome: "posted", units: operation.units, alreadyResolved: false }
        : { outcome: "voided", units: 0, alreadyResolved: false },
  );
  for (const row of answer.unresolved ?? []) {
    results[resolutions.findIndex(({ holdId }) => holdId === row.hold_id)] = unresolved(row);
  }
  return results;
}

/** A result for each reservation, in their order. */
export function reserved(answer: Answer, numbered: Numbered, now: number): OperationResult[] {
  const reservations: readonly ReserveOperation[] = numbered.reservations;
  if (reservations.length === 0) return [];
  return answer.decided === null ? allHeld(answer, numbered) : answer.decided.map((row) => decision(row, now));
}

// What the ledger counts with. This folder is pure: no clock, no randomness, no I/O; the simulator runs it as it stands.
import type { AccountId, HoldId, KeyId } from "../ids.ts";

/** In compute units. Available = credits − posted − pending, and is never negative. */
export interface Balance {
  credits: number;
  posted: number;
  pending: number;
}

export const available = (balance: Balance): number => balance.credits - balance.posted - balance.pending;

/** Null: no limit. */
export interface KeyLimits {
  requestsPerMinute: number | null;
  imagesPerMinute: number | null;
  concurrentRequests: number | null;
}

/** What admission needs to know of a key. Times in ms since the epoch; `allowedModels` null: every model. */
export interface KeyRights {
  accountId: AccountId;
  expiresAt: number | null;
  disabledAt: number | null;
  revokedAt: number | null;
  allowedModels: readonly string[] | null;
  limits: KeyLimits;
}

export type HoldState = "held" | "posted" | "voided" | "expired";

/** A reservation of compute units. It leaves `held` exactly once. */
export interface StoredHold extends Omit<ReserveOperation, "kind" | "holdId" | "idempotency"> {
  id: HoldId;
  createdAt: number;
  idempotencyKey: string | null;
  state: HoldState;
  /** Units charged; 0 unless posted. */
  postedUnits: number;
  resolvedAt: number | null;
}

/** The part of a hold that decisions rest on. */
export type HoldFacts = Pick<
  StoredHold,
  | "id"
  | "accountId"
  | "keyId"
  | "model"
  | "images"
  | "units"
  | "createdAt"
  | "deadline"
  | "idempotencyKey"
  | "state"
  | "postedUnits"
>;

export interface IdempotencyRecord {
  fingerprint: string;
  holdId: HoldId;
  /** Null while the request runs. */
  response: string | null;
}

/** What one key used in one second of the clock. It leaves the window 60 s after the last use in it. */
export interface WindowSecond {
  second: number;
  requests: number;
  images: number;
  lastAt: number;
}

/** Units move from the debited to the credited account; a row is one transaction, so its two entries sum to 0. */
export interface JournalEntry {
  id: string;
  kind: "grant" | "post";
  debit: string;
  credit: string;
  units: number;
  at: number;
}

/** The two accounts at the ends of the ledger: where units come from, and where they go. */
export const GRANTED = "system:granted";
export const CONSUMED = "system:consumed";

/** What was charged on one UTC day. A request counts on the day it was settled. */
export interface UsageIncrement {
  day: string;
  accountId: AccountId;
  keyId: KeyId;
  model: string;
  requests: number;
  images: number;
  units: number;
}

export interface ReserveOperation {
  kind: "reserve";
  /** From `newHoldId`. Reserving again with the same id and the same request gives the same hold. */
  holdId: HoldId;
  accountId: AccountId;
  keyId: KeyId;
  /** The request's id, for people who search; at most 128 characters. */
  requestId: string;
  model: string;
  /** 1 or more; counts against images per minute. */
  images: number;
  /** 1 or more. */
  units: number;
  /** The price snapshot, as JSON. */
  price: string;
  /** When the hold expires by itself, if nothing resolved it. Also the lease on one of the key's concurrent requests. */
  deadline: number;
  /** The key has 1–255 visible characters and belongs to the account; `fingerprint` is a hash of the request's body. */
  idempotency: { key: string; fingerprint: string } | null;
}

export interface SettleOperation {
  kind: "settle";
  holdId: HoldId;
  units: number;
  response: string | null;
}

export interface VoidOperation {
  kind: "void";
  holdId: HoldId;
}

export type Operation = ReserveOperation | SettleOperation | VoidOperation;

/** How much of a limit is left. Null: the key has no such limit. */
export type LimitLeft = { limit: number; remaining: number } | null;

export interface LimitStatus {
  requests: LimitLeft;
  images: LimitLeft;
  concurrency: LimitLeft;
}

export type ReserveResult =
  | { outcome: "held"; holdId: HoldId; available: number; limits: LimitStatus }
  | { outcome: "replay"; holdId: HoldId; response: string }
  /** The request that has the idempotency key ends by itself within `endsWithinMs`. */
  | { outcome: "in_progress"; retryAfterMs: number; endsWithinMs: number }
  | { outcome: "idempotency_key_reused" }
  | { outcome: "insufficient_balance"; available: number }
  | {
      outcome: "rate_limited";
      limit: "requests" | "images" | "concurrency";
      limitValue: number;
      remaining: number;
      retryAfterMs: number;
    }
  | { outcome: "key_invalid" }
  | { outcome: "model_not_allowed" };

/** `alreadyResolved`: the hold was resolved before, nothing was changed, and this is how it stands. */
export type ResolveResult =
  | { outcome: "posted" | "voided" | "expired"; units: number; alreadyResolved: boolean }
  | { outcome: "not_found" };

/** An operation that can never be done. It fails alone, not the batch it came in. */
export type Rejection =
  | { outcome: "rejected"; code: "hold_id_reused" }
  | { outcome: "rejected"; code: "units_exceed_hold"; held: number };

export type OperationResult = ReserveResult | ResolveResult | Rejection;

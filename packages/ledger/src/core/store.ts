import type { AccountId, HoldId, KeyId } from "../ids.ts";
import type {
  Balance,
  HoldFacts,
  IdempotencyRecord,
  JournalEntry,
  KeyRights,
  StoredHold,
  UsageIncrement,
  WindowSecond,
} from "./types.ts";

/** How a hold stopped being held. */
export interface Resolution {
  state: "posted" | "voided" | "expired";
  postedUnits: number;
  resolvedAt: number;
}

/**
 * Where the ledger's facts live while one batch is applied: SQLite inside a transaction, or maps in the simulator.
 * Everything written between two commits becomes durable together, or not at all.
 */
export interface Store {
  balance(id: AccountId): Balance | undefined;
  key(id: KeyId): KeyRights | undefined;
  hold(id: HoldId): HoldFacts | undefined;
  idempotency(accountId: AccountId, key: string): IdempotencyRecord | undefined;
  /** The seconds of a key in which the last use is after `after`, oldest use first; also those of a clock that was ahead. */
  window(keyId: KeyId, after: number): WindowSecond[];
  /** How many requests of a key are running: holds still held whose deadline is after `now`. */
  leases(keyId: KeyId, now: number): number;
  /** At most `limit` holds still held whose deadline is not after `now`, earliest deadline first. */
  overdue(now: number, limit: number): HoldFacts[];

  saveBalance(id: AccountId, balance: Balance): void;
  /** Whether it was inserted: false when there is a hold with this id already, which stays as it is. */
  insertHold(hold: StoredHold): boolean;
  resolveHold(id: HoldId, resolution: Resolution): void;
  appendJournal(entry: JournalEntry): void;
  startIdempotency(accountId: AccountId, key: string, record: IdempotencyRecord, now: number): void;
  finishIdempotency(accountId: AccountId, key: string, response: string, expiresAt: number): void;
  freeIdempotency(accountId: AccountId, key: string): void;
  countInWindow(keyId: KeyId, use: WindowSecond): void;
  addUsage(usage: UsageIncrement): void;
}

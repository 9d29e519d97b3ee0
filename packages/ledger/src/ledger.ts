import type { Activity } from "./activity/activity.ts";
import type { By } from "./by.ts";
import type {
  HoldState,
  KeyLimits,
  KeyRights,
  ReserveOperation,
  ReserveResult,
  ResolveResult,
  StoredHold,
  UsageIncrement,
} from "./core/types.ts";
import type { AccountId, HoldId, KeyId } from "./ids.ts";
import type { Jobs } from "./jobs/jobs.ts";
import type { Nodes } from "./nodes/nodes.ts";
import type { ResponseDefault } from "./response-default.ts";

/** Units are compute units, integers up to `Number.MAX_SAFE_INTEGER`. Times are milliseconds since the epoch. */
export interface ReserveRequest extends Omit<ReserveOperation, "kind" | "price" | "idempotency"> {
  /** What the units were computed from, kept with the hold; at most 2,048 characters as JSON. */
  price: PriceSnapshot;
  idempotency?: NonNullable<ReserveOperation["idempotency"]> | undefined;
}

export type PriceSnapshot = Readonly<Record<string, string | number | boolean | null>>;

export interface Account {
  id: AccountId;
  name: string;
  createdAt: number;
  credits: number;
  posted: number;
  pending: number;
  /** credits − posted − pending, never negative. */
  available: number;
}

/** A key as it is stored: only the hash of its secret and the last four characters. */
export interface KeyRecord extends KeyRights {
  id: KeyId;
  name: string;
  /** SHA-256 of the secret, 32 bytes; compare with `verifySecret`. */
  secretHash: Uint8Array;
  lastFour: string;
  createdAt: number;
  lastUsedAt: number | null;
  /** Null: what the gateway's setting says. */
  responseFormat: ResponseDefault | null;
}

/** A hold as it is shown. */
export interface Hold extends Omit<StoredHold, "price"> {
  price: PriceSnapshot;
}

export interface Page<Cursor> {
  /** The last id of the page before. */
  after?: Cursor | undefined;
  /** 1–1,000, 100 when it is not said. */
  limit?: number | undefined;
}

export interface NewAccount extends By {
  name: string;
}

export interface Grant extends By {
  /** Names this grant within the account. The same reference with the same units again changes nothing. */
  reference: string;
  memo?: string | undefined;
}

export interface NewKey extends By {
  accountId: AccountId;
  name: string;
  expiresAt?: number | null | undefined;
  /** Null or absent: every model. */
  allowedModels?: readonly string[] | null | undefined;
  /** Null: what the gateway's setting says. */
  responseFormat?: ResponseDefault | null | undefined;
  limits?: Partial<KeyLimits> | undefined;
}

/** What is given replaces what was; what is absent stays. */
export interface KeyChange extends By {
  name?: string | undefined;
  expiresAt?: number | null | undefined;
  allowedModels?: readonly string[] | null | undefined;
  /** Null: what the gateway's setting says. */
  responseFormat?: ResponseDefault | null | undefined;
  limits?: Partial<KeyLimits> | undefined;
}

/** Where a key wants to be told that a job has ended. */
export interface Webhook {
  url: string;
  createdAt: number;
}

export interface CreatedKey {
  /** The whole key. It is in no other answer and nowhere in the database. */
  key: string;
  record: KeyRecord;
}

export interface HoldFilter {
  accountId?: AccountId | undefined;
  keyId?: KeyId | undefined;
  state?: HoldState | undefined;
  /** Only those that pay for no job that waits or runs. */
  withoutJob?: boolean | undefined;
  /** Only holds older than this one: `next` of the page before. */
  before?: HoldId | undefined;
  /** 1–1,000, 100 when it is not said. */
  limit?: number | undefined;
}

export interface HoldPage {
  /** Fewer than the limit, and even none, when what is asked for is rare. */
  holds: Hold[];
  /** Where the next page begins; null: there is nothing older. */
  next: HoldId | null;
}

export interface UsageFilter {
  /** The first and the last UTC day, both counted, as `YYYY-MM-DD`. */
  from: string;
  to: string;
  accountId?: AccountId | undefined;
  keyId?: KeyId | undefined;
  model?: string | undefined;
}

export type UsageRow = UsageIncrement;

export interface AuditEntry {
  actor: string;
  action: string;
  subject: string;
  details: Readonly<Record<string, unknown>>;
}

export interface StoredAuditEntry extends AuditEntry {
  seq: number;
  at: number;
}

export interface Discrepancy {
  what: string;
  subject: string;
  expected: number;
  found: number;
}

export interface Health {
  ok: boolean;
  engine: "sqlite" | "postgres";
  schemaVersion: number;
  /** Why it is not ok. */
  reason?: string;
  /** There where it can be read and not be written, because of a full disk, or one or a server that is read-only. */
  readable?: true;
}

export interface SweepResult {
  /** Holds that passed their deadline and were let go. */
  expired: number;
  /** Whether more was left than one call does; call again. */
  more: boolean;
}

/**
 * Accounts, keys and holds of compute units. Every method but `health` and `close` rejects with
 * `LedgerUnavailableError` when the database cannot answer within its deadline, and with `LedgerInputError` for
 * arguments that can never work. What a method resolved with is on disk, with one exception: on SQLite a power cut may
 * undo the last reservations and voids, those after the last settlement or administrative change, as if they had never been. A process that
 * is killed undoes nothing. A reservation that is lost is worth what the next owner makes of one that is left: it is void.
 */
export interface Ledger {
  /**
   * Admission in one step: key, model, idempotency, balance, limits, hold. A refused request consumes nothing.
   * Calls made together are committed together. Rejects with `hold_id_reused` when the id names another reservation.
   */
  reserve(request: ReserveRequest): Promise<ReserveResult>;
  /**
   * Charges `units` (1 to what is held) and gives the rest back. `response` is what a replay of the idempotency key answers:
   * small text, at most 65,536 characters; give it whenever the hold has an idempotency key. Settling a hold that is
   * resolved already changes nothing and says how it stands. Rejects with `units_exceed_hold`.
   */
  settle(settlement: { holdId: HoldId; units: number; response?: string | undefined }): Promise<ResolveResult>;
  /** Gives everything back and frees the idempotency key. */
  void(release: { holdId: HoldId }): Promise<ResolveResult>;
  /**
   * Expires holds whose deadline has come, forgets idempotency keys, rate windows and jobs that are old enough, and writes down
   * when keys were last used. Bounded work; call it every second or so, from as many gateways as there are.
   */
  sweep(): Promise<SweepResult>;

  /** Asynchronous generations. */
  readonly jobs: Jobs;
  /** Nodes that all gateways of this ledger share. */
  readonly nodes: Nodes;
  /** What charts are drawn from. */
  readonly activity: Activity;

  /** The key with this public id, for authentication; undefined when there is none. */
  findKey(keyId: KeyId): Promise<KeyRecord | undefined>;
  /** Notes that a key was used now. Written with the others, every ten seconds at most and at `close`. */
  touchKey(keyId: KeyId): void;

  createAccount(account: NewAccount): Promise<Account>;
  getAccount(accountId: AccountId): Promise<Account | undefined>;
  /** In the order they were created. */
  listAccounts(page?: Page<AccountId>): Promise<Account[]>;
  /** Adds units, 1 or more. `alreadyGranted`: the reference was used before and nothing was added. */
  grant(accountId: AccountId, units: number, grant: Grant): Promise<{ account: Account; alreadyGranted: boolean }>;

  createKey(key: NewKey): Promise<CreatedKey>;
  /** In the order they were created. */
  listKeys(page?: Page<KeyId> & { accountId?: AccountId | undefined }): Promise<KeyRecord[]>;
  /** A limit counts from when it is set: what a key did while it had no limit a minute is not counted. */
  updateKey(keyId: KeyId, change: KeyChange): Promise<KeyRecord>;
  disableKey(keyId: KeyId, by?: By): Promise<KeyRecord>;
  /** Undoes `disableKey`. A revoked key stays revoked. */
  enableKey(keyId: KeyId, by?: By): Promise<KeyRecord>;
  /** For good. */
  revokeKey(keyId: KeyId, by?: By): Promise<KeyRecord>;

  getWebhook(keyId: KeyId): Promise<Webhook | undefined>;
  /** An http or https URL of at most 2,048 characters. The answer is the only place where the new secret is shown. */
  setWebhook(keyId: KeyId, url: string, by?: By): Promise<Webhook & { secret: string }>;
  /** Whether there was one. What is still to be delivered is dropped. */
  removeWebhook(keyId: KeyId, by?: By): Promise<boolean>;

  /** Sessions of browsers in `realm`, such as `admin`, that began at this moment or before are over everywhere. */
  endSessions(realm: string, by?: By): Promise<void>;
  /** When that was last said, ms since the epoch. */
  sessionsEndedAt(realm: string): Promise<number | undefined>;

  usage(filter: UsageFilter): Promise<UsageRow[]>;
  getHold(holdId: HoldId): Promise<Hold | undefined>;
  /** Newest first. One call looks through a bounded part of the holds; `next` says where to go on. */
  listHolds(filter?: HoldFilter): Promise<HoldPage>;

  /** For actions outside the ledger; its own are logged by themselves, in the transaction that does them. */
  appendAudit(entry: AuditEntry): Promise<StoredAuditEntry>;
  /** Newest first; `after` is the `seq` of the last entry of the page before. */
  listAudit(page?: Page<number>): Promise<StoredAuditEntry[]>;

  /** Recomputes every balance from the journal and the holds. An empty list: all is well. Reads the whole ledger. */
  verify(): Promise<Discrepancy[]>;
  /** Asks the database, and whether it could be written to when that was last tried. Never rejects. */
  health(): Promise<Health>;
  /** Finishes what is queued, writes what is buffered, and closes. Later calls reject. */
  close(): Promise<void>;
}

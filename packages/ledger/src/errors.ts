export type UnavailableReason = "connection" | "timeout" | "overloaded" | "busy" | "closed";

/**
 * The ledger cannot answer now: its database is away, too slow, or too much is waiting for it already.
 * The operation may or may not have happened: reserving again with the same hold id, and settling or voiding again, are
 * safe. Answer 503 with `Retry-After`; never treat it as a refusal, and never go on without the ledger.
 */
export class LedgerUnavailableError extends Error {
  override readonly name = "LedgerUnavailableError";
  readonly reason: UnavailableReason;
  /** After how many milliseconds it is worth asking again. */
  readonly retryAfterMs: number;

  constructor(reason: UnavailableReason, message: string, options?: { cause?: unknown; retryAfterMs?: number }) {
    super(message, options);
    this.reason = reason;
    this.retryAfterMs = options?.retryAfterMs ?? 1_000;
  }
}

export type InputErrorCode =
  | "invalid_argument"
  | "account_not_found"
  | "key_not_found"
  | "node_not_found"
  | "node_exists"
  | "hold_id_reused"
  | "units_exceed_hold"
  | "grant_reference_reused"
  | "balance_overflow";

/** The caller asked for something that can never be done; asking again changes nothing. */
export class LedgerInputError extends Error {
  override readonly name = "LedgerInputError";
  readonly code: InputErrorCode;

  constructor(code: InputErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The database's schema is not one that this code may use: newer, or changed after it was applied. */
export class LedgerSchemaError extends Error {
  override readonly name = "LedgerSchemaError";
}

/** Another gateway works with the SQLite file of this ledger. */
export class LedgerInUseError extends Error {
  override readonly name = "LedgerInUseError";

  constructor(file: string, pid: number | undefined) {
    const process = pid === undefined ? "" : ` (process ${pid})`;
    super(`another gateway${process} uses the ledger ${file}; with SQLite there can be one, with PostgreSQL several`);
  }
}

import { DatabaseError } from "pg";
import { LedgerUnavailableError } from "../errors.ts";

const DEADLOCK = "40P01";
const SERIALIZATION_FAILURE = "40001";
const QUERY_CANCELED = "57014";
const LOCK_NOT_AVAILABLE = "55P03";
// Classes of SQLSTATE that say that a statement or its data is wrong, not that the server is away (PostgreSQL, appendix A).
const OUR_FAULT = ["0A", "22", "23", "2F", "42", "P0"];

/** Whether the server undid the whole transaction and doing it again may well work. */
export function isTransient(error: unknown): boolean {
  const cause = error instanceof LedgerUnavailableError ? error.cause : error;
  return cause instanceof DatabaseError && (cause.code === DEADLOCK || cause.code === SERIALIZATION_FAILURE);
}

/** What the driver threw: a server that is away, stopping, full or too slow as `LedgerUnavailableError`. */
export function translateError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error instanceof DatabaseError) {
    const code = error.code ?? "";
    if (OUR_FAULT.includes(code.slice(0, 2))) return error;
    const late = code === QUERY_CANCELED || code === LOCK_NOT_AVAILABLE;
    return new LedgerUnavailableError(
      late ? "timeout" : "connection",
      `the ledger's database refused: ${error.message}`,
      {
        cause: error,
      },
    );
  }
  const late = /timeout/i.test(error.message);
  return new LedgerUnavailableError(late ? "timeout" : "connection", "the ledger's database cannot be reached", {
    cause: error,
  });
}

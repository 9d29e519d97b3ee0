import { type ApiError, errors } from "@atoma/contract";
import { LedgerUnavailableError } from "@atoma/ledger";
import type { Logger } from "pino";
import { FileStoreUnavailableError } from "../files/file-store.ts";

/** Any thrown value as an error a client may see. */
export function toApiError(error: unknown): ApiError {
  if (isApiError(error)) return error;
  if (error instanceof LedgerUnavailableError) return errors.databaseAway(error);
  if (error instanceof FileStoreUnavailableError) return errors.filesAway(error);
  return errors.internal(error);
}

/** One line for a failure that is ours to mend; what clients do wrong is in their request's own line. */
export function logFailure(log: Logger, requestId: string, error: ApiError): void {
  if (error.status >= 500) log.error({ requestId, status: error.status, err: error.cause ?? error }, error.message);
}

function isApiError(error: unknown): error is ApiError {
  return error instanceof Error && error.name === "ApiError";
}

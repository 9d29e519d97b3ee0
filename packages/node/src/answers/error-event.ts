import { ApiError, errors } from "@atoma/contract";

/** Why a stream that has begun breaks off, as its last event can tell. */
export function publicError(error: unknown): ApiError {
  return error instanceof ApiError ? error : errors.internal(error);
}

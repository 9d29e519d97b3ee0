/** Codes of failures that leave no doubt: there was no connection, so nothing has begun. */
const CONNECT_FAILED = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
]);

const CONNECTION_LOST = new Set([
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "UND_ERR_SOCKET",
  "UND_ERR_ABORTED",
  "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
  "ERR_STREAM_PREMATURE_CLOSE",
]);

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

export const neverConnected = (error: unknown): boolean => CONNECT_FAILED.has(codeOf(error) ?? "");

/** The connection broke: what became of the request is not known. */
export function connectionLost(error: unknown): boolean {
  return CONNECTION_LOST.has(codeOf(error) ?? "") || (error instanceof Error && error.name === "CutOffError");
}

import { type ApiError, errors } from "@atoma/contract";
import { LedgerUnavailableError } from "@atoma/ledger";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { FileStoreUnavailableError } from "../files/file-store.ts";

/** How long a refused body may go on arriving so that its sender gets to read the answer. */
const LINGER_MS = 1000;

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

/**
 * Answers with the error's envelope. If the request's body has not been read to its end, the connection is closed, but
 * only after what still arrives has been discarded for a moment: a reset would take the answer away from the client.
 */
export function sendError(request: FastifyRequest, reply: FastifyReply, error: ApiError): void {
  const body = JSON.stringify(error.envelope());
  const headers: Record<string, string | number> = {
    ...error.headers,
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  };
  const unread = !request.raw.readableEnded && hasBody(request.raw.headers);
  if (!unread) {
    reply.code(error.status).headers(headers).send(body);
    return;
  }
  reply.hijack();
  const { raw } = reply;
  for (const [name, value] of Object.entries({ ...reply.getHeaders(), ...headers, connection: "close" })) {
    if (value !== undefined) raw.setHeader(name, value);
  }
  raw.writeHead(error.status);
  raw.write(body);
  const finish = () => {
    clearTimeout(timer);
    raw.end();
  };
  const timer = setTimeout(finish, LINGER_MS);
  request.raw.once("end", finish).once("close", finish).resume();
}

function hasBody(headers: FastifyRequest["raw"]["headers"]): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

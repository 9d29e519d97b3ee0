import type { ApiError } from "@atoma/contract";
import type { FastifyReply, FastifyRequest } from "fastify";

/** How long a refused body may go on arriving so that its sender gets to read the answer. */
const LINGER_MS = 1000;

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

import type { FastifyRequest } from "fastify";

const HOST = /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/** The origin the client called, from its Host header; the listening address where that makes no sense. */
export function originOf(request: FastifyRequest): string {
  const host = request.headers.host ?? "";
  if (HOST.test(host)) return `${request.protocol}://${host}`;
  const { localAddress = "127.0.0.1", localPort } = request.socket;
  return `${request.protocol}://${localAddress.includes(":") ? `[${localAddress}]` : localAddress}:${localPort}`;
}

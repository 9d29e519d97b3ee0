import type { FastifyRequest } from "fastify";

const HOST = /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/** The origin that file URLs begin with: the one that is configured, or else the one the client called. */
export function originFor({ publicUrl }: { readonly publicUrl: string | undefined }, request: FastifyRequest): string {
  return publicUrl ?? originOf(request);
}

/** The origin the client called, from its Host header; the listening address where that makes no sense. */
function originOf(request: FastifyRequest): string {
  const host = request.headers.host ?? "";
  if (HOST.test(host)) return `${request.protocol}://${host}`;
  const { localAddress = "127.0.0.1", localPort } = request.socket;
  return `${request.protocol}://${localAddress.includes(":") ? `[${localAddress}]` : localAddress}:${localPort}`;
}

import type { IncomingMessage } from "node:http";
import { errors } from "@atoma/contract";
import type { FastifyRequest } from "fastify";

type Asked = Pick<IncomingMessage, "headers" | "method">;

const READING = new Set(["GET", "HEAD"]);

/** Whether the `Origin` header names the host that was called. */
function isOwnOrigin({ headers }: Asked): boolean {
  try {
    return new URL(headers.origin ?? "").host === headers.host;
  } catch {
    return false;
  }
}

/**
 * Whether a page of this origin sent the request. A cookie alone proves nothing: browsers also send it from a page of another
 * port of this host, which counts as the same site. `Sec-Fetch-Site` (W3C Fetch Metadata) tells them apart; browsers before
 * 2023 lack it and send `Origin` with everything that changes something.
 */
export function isSameOrigin(request: Asked): boolean {
  const site = request.headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin";
  if (request.headers.origin !== undefined) return isOwnOrigin(request);
  return READING.has(request.method ?? "");
}

/** Throws ApiError 403 for what signs in or out and does not come from a page of this server. */
export function requireSameOrigin(request: FastifyRequest): void {
  if (!isSameOrigin(request.raw)) throw errors.permissionDenied("Only the page of this server may sign in and out.");
}

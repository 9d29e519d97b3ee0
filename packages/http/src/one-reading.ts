import type { IncomingMessage } from "node:http";
import { errors } from "@atoma/contract";
import { countHeader } from "./count-header.ts";

/** Fields that have one value and decide what a request means. Of some Node keeps the first, others it joins. */
const SINGLE = ["content-type", "content-encoding", "idempotency-key", "x-atoma-timeout-ms"];

/**
 * Throws ApiError 400 for a request that Node's parser lets through, but that two servers could read differently. Its target
 * is in the origin form here, see `toOriginForm`.
 */
export function requireOneReading(request: IncomingMessage): void {
  const { headers, httpVersion, method, url = "" } = request;
  const hosts = countHeader(request, "host");
  // HTTP/1.0 has no Host header; health checks of load balancers still speak it.
  const known = hosts === 1 || (hosts === 0 && httpVersion === "1.0");
  if (!known) throw errors.badRequest("The request must have exactly one Host header.");
  if (!url.startsWith("/") && !(url === "*" && method === "OPTIONS")) {
    throw errors.badRequest("The request target must be a path, or a URL with http or https and without a user.");
  }
  // Node takes the chunks apart and leaves what they hold as it is.
  if (!/^(?:chunked)?$/i.test(headers["transfer-encoding"] ?? "")) {
    throw errors.badRequest("The only transfer coding of a request may be 'chunked'.");
  }
  for (const name of SINGLE) {
    if (headers[name] !== undefined && countHeader(request, name) > 1) throw errors.repeatedHeader(name);
  }
}

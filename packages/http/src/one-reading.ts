import type { IncomingMessage } from "node:http";
import { errors } from "@atoma/contract";

/** Throws ApiError 400 for a request that Node's parser lets through, but that two servers could read differently. */
export function requireOneReading({ rawHeaders, headers, httpVersion, url = "" }: IncomingMessage): void {
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === "host").length;
  // HTTP/1.0 has no Host header; health checks of load balancers still speak it.
  const known = hosts === 1 || (hosts === 0 && httpVersion === "1.0");
  if (!known) throw errors.badRequest("The request must have exactly one Host header.");
  if (!url.startsWith("/")) throw errors.badRequest("The request target must be a path.");
  // Node takes the chunks apart and leaves what they hold as it is.
  if (!/^(?:chunked)?$/i.test(headers["transfer-encoding"] ?? "")) {
    throw errors.badRequest("The only transfer coding of a request may be 'chunked'.");
  }
}

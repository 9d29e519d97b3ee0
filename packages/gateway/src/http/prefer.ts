import type { IncomingMessage } from "node:http";

/** Whether the client would rather be answered before its pictures are made (`Prefer: respond-async`, RFC 7240). */
export function prefersAsync({ prefer }: IncomingMessage["headers"]): boolean {
  const header = Array.isArray(prefer) ? prefer.join(",") : (prefer ?? "");
  return header.split(",").some((preference) => /^\s*respond-async\s*(?:;|$)/i.test(preference));
}

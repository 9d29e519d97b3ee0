import type { IncomingMessage } from "node:http";

/** RFC 9112, 3.2.2: scheme, authority without a user, and what is left. */
const ABSOLUTE = /^https?:\/\/([^/?#@\s]+)((?:[/?][^#\s]*)?)$/i;

/**
 * The target of a request as a path with its query. Proxies and some agents send it in the absolute form, which every server
 * must take; its authority then stands for the `Host` header. Anything else is left as it is, for `requireOneReading`.
 */
export function toOriginForm(request: Pick<IncomingMessage, "url" | "headers">): string {
  const target = request.url ?? "/";
  if (target.startsWith("/")) return target;
  const [, authority, rest] = ABSOLUTE.exec(target) ?? [];
  if (authority === undefined || rest === undefined) return target;
  request.headers.host = authority;
  return rest.startsWith("/") ? rest : `/${rest}`;
}

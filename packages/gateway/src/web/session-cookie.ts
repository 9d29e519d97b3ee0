import type { IncomingMessage } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import { isSameOrigin } from "./same-origin.ts";
import { openSealer } from "./seal.ts";

/** A session that a browser keeps as a cookie that scripts cannot read. */
export interface SessionCookie {
  /** Begins a session that carries this text, sealed. */
  begin(request: FastifyRequest, reply: FastifyReply, text: string): void;
  /** What the session carries; undefined without a session, when it has expired, and for requests that no page of this origin sent. */
  read(request: Pick<IncomingMessage, "headers" | "method">): string | undefined;
  end(request: FastifyRequest, reply: FastifyReply): void;
}

export interface SessionCookieOptions {
  /** Such as `atoma`; the port is added, because cookies do not tell the ports of a host apart. */
  readonly name: string;
  /** The cookie's `Path`. */
  readonly path: string;
  /** What cookies are sealed with. Gateways with the same secret know each other's sessions; a new secret ends all. */
  readonly secret: string;
  readonly lifetimeMs: number;
  readonly now: () => number;
  /** Whether browsers reach the gateway over https although it does not itself speak it. */
  readonly behindHttps: boolean;
}

/** The value of a cookie in a `Cookie` header (RFC 6265, section 4.2). */
function cookieValue(header: string, name: string): string | undefined {
  for (const pair of header.split(";")) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

/** `{"until": ms since the epoch, "text": …}` */
function parseContent(json: string | undefined): { readonly until: number; readonly text: string } | undefined {
  if (json === undefined) return undefined;
  const content: unknown = JSON.parse(json); // sealed by us, so it is JSON
  if (typeof content !== "object" || content === null || !("until" in content) || !("text" in content))
    return undefined;
  const { until, text } = content;
  return typeof until === "number" && typeof text === "string" ? { until, text } : undefined;
}

/** `HttpOnly`, `SameSite=Strict`, and `Secure` where browsers use https. Nothing is kept on the server. */
export function openSessionCookie(options: SessionCookieOptions): SessionCookie {
  const sealer = openSealer(options.secret, `session ${options.name}`);
  const nameFor = (host = "") => `${options.name}-${/:(\d+)$/.exec(host)?.[1] ?? "default"}`;

  function set(request: FastifyRequest, reply: FastifyReply, value: string, maxAgeSeconds: number): void {
    const secure = options.behindHttps || request.protocol === "https";
    const attributes = [`Path=${options.path}`, `Max-Age=${maxAgeSeconds}`, "HttpOnly", "SameSite=Strict"];
    if (secure) attributes.push("Secure");
    reply.header("set-cookie", [`${nameFor(request.headers.host)}=${value}`, ...attributes].join("; "));
  }

  return {
    begin(request, reply, text) {
      const content = { until: options.now() + options.lifetimeMs, text };
      set(request, reply, sealer.seal(JSON.stringify(content)), Math.floor(options.lifetimeMs / 1000));
    },
    read(request) {
      const { cookie, host } = request.headers;
      if (cookie === undefined) return undefined;
      const value = cookieValue(cookie, nameFor(host));
      if (value === undefined || !isSameOrigin(request)) return undefined;
      const content = parseContent(sealer.open(value));
      return content && content.until > options.now() ? content.text : undefined;
    },
    end: (request, reply) => set(request, reply, "", 0),
  };
}

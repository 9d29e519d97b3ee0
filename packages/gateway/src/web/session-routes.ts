import { errors, parseJsonObject } from "@atoma/contract";
import type { FastifyInstance } from "fastify";
import type { Context } from "../context.ts";
import type { Credentials, Identify } from "../generate/identify.ts";
import { onlyFieldsOf, text } from "../http/body-fields.ts";
import { readBody, requireJson } from "../http/read-body.ts";
import { requireSameOrigin } from "./same-origin.ts";
import { openSessionCookie, type SessionCookie } from "./session-cookie.ts";
import type { SignInLinks } from "./sign-in-links.ts";

const LIFETIME_MS = 30 * 86_400_000;
const MAX_BODY_BYTES = 4096;
const BODY = { properties: { link: {}, api_key: {} } };

type Needs = Pick<Context, "identify" | "body" | "clock" | "publicUrl">;

/** A request that bears this key and nothing else. */
const bearing = (apiKey: string): Credentials => {
  const authorization = `Bearer ${apiKey}`;
  return { method: "GET", headers: { authorization }, rawHeaders: ["authorization", authorization] };
};

/** The playground's session: an API key, sealed, that lives as long as the key is good and 30 days at most. */
export function playgroundSession(
  secret: string,
  { now, publicUrl }: { readonly now: () => number; readonly publicUrl: string | undefined },
): SessionCookie {
  const behindHttps = publicUrl?.startsWith("https:") ?? false;
  return openSessionCookie({ name: "atoma", path: "/", secret, lifetimeMs: LIFETIME_MS, now, behindHttps });
}

/** Identifies by the request's own key or else by the session of the page that sent it. */
export function withSessions(identify: Identify, session: Pick<SessionCookie, "read">): Identify {
  return (request) => {
    const { cookie, authorization, "api-key": apiKeyHeader } = request.headers;
    if (cookie === undefined || authorization !== undefined || apiKeyHeader !== undefined) return identify(request);
    const found = session.read(request);
    return identify(found === undefined ? request : bearing(found));
  };
}

/** The API key that a sign-in names, by itself or by a link. Throws ApiError 400 or 401. */
function keyOf(body: Readonly<Record<string, unknown>>, links: SignInLinks): string {
  onlyFieldsOf(body, BODY);
  const link = text(body, "link");
  if (link !== undefined) {
    const apiKey = links.redeem(link);
    if (apiKey === undefined) throw errors.endedSignInLink();
    return apiKey;
  }
  const apiKey = text(body, "api_key")?.trim();
  if (!apiKey) throw errors.missingParameter("api_key");
  if (!/^[\x21-\x7e]+$/.test(apiKey)) throw errors.invalidKey("***");
  return apiKey;
}

/**
 * `POST /session {link}` or `{api_key}` signs the page's browser in, `DELETE /session` signs it out. Both are for the page
 * alone and no part of the API.
 */
export function sessionRoutes(app: FastifyInstance, needs: Needs, session: SessionCookie, links: SignInLinks): void {
  app.post("/session", async (request, reply) => {
    requireSameOrigin(request);
    requireJson(request.headers);
    const limits = { ...needs.body, maxBytes: MAX_BODY_BYTES };
    const apiKey = keyOf(parseJsonObject(await readBody(request.raw, limits, needs.clock)), links);
    await needs.identify(bearing(apiKey));
    session.begin(request, reply, apiKey);
    return reply.code(204).send();
  });
  app.delete("/session", async (request, reply) => {
    requireSameOrigin(request);
    session.end(request, reply);
    return reply.code(204).send();
  });
}

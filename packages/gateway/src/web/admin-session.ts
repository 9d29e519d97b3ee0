import { errors, parseJsonObject } from "@atoma/contract";
import type { Ledger } from "@atoma/ledger";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { isAdminKey } from "../admin/authenticate-admin.ts";
import type { Clock } from "../clock.ts";
import type { Context } from "../context.ts";
import { onlyFieldsOf, requiredText } from "../http/body-fields.ts";
import { readBody, requireJson } from "../http/read-body.ts";
import { requireSameOrigin } from "./same-origin.ts";
import { openSessionCookie, type SessionCookie } from "./session-cookie.ts";

const REALM = "admin";
/** What a session's cookie says: the end of all sessions that it came after. */
const AFTER = /^admin after (\d{1,16})$/;
const LIFETIME_MS = 12 * 3_600_000;
const MAX_BODY_BYTES = 4096;
const BODY = { properties: { admin_key: {} } };
const BY = { actor: "dashboard" };
/** How old may be what a gateway knows of sessions that were ended at another one. */
const KNOWN_MS = 1_000;
/** Wrong keys from one address before it has to wait. */
const MAX_FAILURES = 5;
const FAILURES_MS = 60_000;
const MAX_ADDRESSES = 10_000;

/** The dashboard's session: that its browser has shown the admin key. */
export interface AdminSession {
  readonly cookie: Pick<SessionCookie, "end">;
  /** Signs the browser in. */
  begin(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  /** Whether the request's session stands: it has not expired, and nobody has ended all sessions since it began. */
  stands(request: FastifyRequest): Promise<boolean>;
  /** Ends all sessions, on every gateway of this ledger within a second. */
  endAll(): Promise<void>;
}

export interface AdminSessionOptions {
  readonly ledger: Pick<Ledger, "endSessions" | "sessionsEndedAt">;
  readonly clock: Clock;
  readonly publicUrl: string | undefined;
  readonly adminKey: string;
}

export function openAdminSession({ ledger, clock, publicUrl, adminKey }: AdminSessionOptions): AdminSession {
  const behindHttps = publicUrl?.startsWith("https:") ?? false;
  const cookie = openSessionCookie({
    name: "atoma-admin",
    path: "/admin",
    secret: adminKey,
    lifetimeMs: LIFETIME_MS,
    now: clock.now,
    behindHttps,
  });
  let known: { readonly at: number; readonly endedAt: Promise<number | undefined> } | undefined;

  function endedAt(): Promise<number | undefined> {
    const at = clock.monotonic();
    if (known && at - known.at < KNOWN_MS) return known.endedAt;
    const asked = { at, endedAt: ledger.sessionsEndedAt(REALM) };
    known = asked;
    asked.endedAt.catch(() => {
      if (known === asked) known = undefined;
    });
    return asked.endedAt;
  }

  return {
    cookie,
    async begin(request, reply) {
      const after = (await ledger.sessionsEndedAt(REALM)) ?? 0;
      cookie.begin(request, reply, `${REALM} after ${after}`);
    },
    async stands(request) {
      const [, after] = AFTER.exec(cookie.read(request.raw) ?? "") ?? [];
      // Which end a session came after, and not when: clocks step back, and those of gateways differ.
      return after !== undefined && Number(after) >= ((await endedAt()) ?? 0);
    },
    async endAll() {
      await ledger.endSessions(REALM, BY);
      known = undefined;
    },
  };
}

/** Counts wrong keys by the address that they came from. */
function openFailures(clock: Clock) {
  const failures = new Map<string, { count: number; readonly until: number }>();
  return {
    /** Throws ApiError 429. */
    check(address: string): void {
      const known = failures.get(address);
      const waitMs = (known?.until ?? 0) - clock.monotonic();
      if (known && waitMs <= 0) failures.delete(address);
      else if (known && known.count >= MAX_FAILURES) {
        throw errors.rateLimited("Too many wrong admin keys came from this address.", waitMs, {});
      }
    },
    note(address: string): void {
      const known = failures.get(address);
      if (known) known.count++;
      else {
        if (failures.size >= MAX_ADDRESSES) failures.clear();
        failures.set(address, { count: 1, until: clock.monotonic() + FAILURES_MS });
      }
    },
  };
}

/**
 * `POST /admin/session {admin_key}` signs the dashboard's browser in, `DELETE /admin/session` signs it out, and `DELETE
 * /admin/sessions` signs out every browser. They are for the page alone and no part of the API.
 */
export function adminSessionRoutes(
  app: FastifyInstance,
  { body, clock }: Pick<Context, "body" | "clock">,
  session: AdminSession,
  adminKey: string,
): void {
  const failures = openFailures(clock);
  app.post("/admin/session", async (request, reply) => {
    requireSameOrigin(request);
    failures.check(request.ip);
    requireJson(request.headers);
    const fields = parseJsonObject(await readBody(request.raw, { ...body, maxBytes: MAX_BODY_BYTES }, clock));
    onlyFieldsOf(fields, BODY);
    if (!isAdminKey(requiredText(fields, "admin_key").trim(), adminKey)) {
      failures.note(request.ip);
      throw errors.invalidKey("***");
    }
    await session.begin(request, reply);
    return reply.code(204).send();
  });
  app.delete("/admin/session", async (request, reply) => {
    requireSameOrigin(request);
    session.cookie.end(request, reply);
    return reply.code(204).send();
  });
  app.delete("/admin/sessions", async (request, reply) => {
    requireSameOrigin(request);
    if (!(await session.stands(request))) throw errors.invalidKey("***");
    await session.endAll();
    session.cookie.end(request, reply);
    return reply.code(204).send();
  });
}

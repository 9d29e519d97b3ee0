import type { FastifyInstance } from "fastify";

const EXPOSED = [
  "x-request-id",
  "location",
  "preference-applied",
  "retry-after",
  "retry-after-ms",
  "openai-processing-ms",
  "idempotent-replayed",
  "x-ratelimit-limit-requests",
  "x-ratelimit-remaining-requests",
  "x-ratelimit-limit-images",
  "x-ratelimit-remaining-images",
  "x-ratelimit-reset-requests",
  "x-ratelimit-reset-images",
].join(", ");

/** Any origin may call: access is by key, never by cookie. Preflights need no key. */
export function allowCrossOrigin(app: FastifyInstance): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header("access-control-allow-origin", "*").header("access-control-expose-headers", EXPOSED);
    if (request.method !== "OPTIONS") return;
    return reply
      .code(204)
      .header("access-control-allow-methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
      .header(
        "access-control-allow-headers",
        request.headers["access-control-request-headers"] ?? "authorization, content-type, idempotency-key, prefer",
      )
      .header("access-control-max-age", "86400")
      .send();
  });
}

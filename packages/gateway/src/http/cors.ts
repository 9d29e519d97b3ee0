import type { FastifyInstance } from "fastify";

const EXPOSED = [
  "x-request-id",
  "location",
  "preference-applied",
  "retry-after",
  "retry-after-ms",
  "x-should-retry",
  "openai-processing-ms",
  "idempotent-replayed",
  "etag",
  "accept-ranges",
  "content-range",
  ...["requests", "images", "concurrency"].flatMap((of) =>
    ["limit", "remaining", "reset"].map((what) => `x-ratelimit-${what}-${of}`),
  ),
].join(", ");

/** On every answer: any origin may call, because access is by key, never by cookie. */
export const CROSS_ORIGIN = { "access-control-allow-origin": "*", "access-control-expose-headers": EXPOSED } as const;

/** Answers `OPTIONS`, which needs no key. */
export function allowPreflights(app: FastifyInstance): void {
  app.addHook("onRequest", async (request, reply) => {
    if (request.method !== "OPTIONS") return;
    return reply
      .code(204)
      .header("access-control-allow-methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
      .header(
        "access-control-allow-headers",
        request.headers["access-control-request-headers"] ??
          "authorization, api-key, content-type, idempotency-key, prefer",
      )
      .header("access-control-max-age", "86400")
      .send();
  });
}

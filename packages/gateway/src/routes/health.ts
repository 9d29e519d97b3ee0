import type { FastifyInstance } from "fastify";
import type { Context } from "../context.ts";

/** `GET /health`: 200 while requests can be served, without a key. */
export function healthRoute(app: FastifyInstance, context: Context): void {
  app.get("/health", async (_request, reply) => {
    const problem = context.draining()
      ? "shutting down"
      : !(await context.ledger.health()).ok
        ? "the ledger is away"
        : context.registry.anyReady()
          ? undefined
          : "no node is ready";
    if (problem === undefined) return { message: "ok", status: "ok" };
    return reply.code(503).send({ message: problem, status: "unavailable" });
  });
}

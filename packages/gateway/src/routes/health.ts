import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";

/** `GET /health`: 200 while requests can be served, without a key. */
export function healthRoute(app: FastifyInstance, deps: Deps): void {
  app.get("/health", async (_request, reply) => {
    const problem = deps.draining()
      ? "shutting down"
      : !(await deps.ledger.health()).ok
        ? "the ledger is away"
        : deps.registry.anyReady()
          ? undefined
          : "no node is ready";
    if (problem === undefined) return { message: "ok", status: "ok" };
    return reply.code(503).send({ message: problem, status: "unavailable" });
  });
}

import type { FastifyInstance } from "fastify";
import type { Context } from "../context.ts";

/** Why no requests can be served; undefined while they can. */
async function problemOf({ draining, ledger, registry }: Context): Promise<string | undefined> {
  if (draining()) return "shutting down";
  const { ok, readable } = await ledger.health();
  if (!ok) return readable ? "the ledger cannot be written" : "the ledger is away";
  return registry.anyReady() ? undefined : "no node is ready";
}

/** `GET /health`: 200 while requests can be served, without a key. */
export function healthRoute(app: FastifyInstance, context: Context): void {
  app.get("/health", async (_request, reply) => {
    const problem = await problemOf(context);
    if (problem === undefined) return { message: "ok", status: "ok" };
    return reply.code(503).send({ message: problem, status: "unavailable" });
  });
}

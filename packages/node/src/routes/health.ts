import type { FastifyInstance } from "fastify";
import type { InFlight } from "../in-flight.ts";
import type { ModelShelf } from "../model-shelf.ts";

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** `GET /healthz`, `/readyz`, `/v1/load`. */
export function healthRoutes(app: FastifyInstance, shelf: ModelShelf, inFlight: InFlight): void {
  app.get("/healthz", async () => ({ status: "ok" }));

  app.get("/readyz", async (_request, reply) => {
    const models = shelf.queues.map(({ card, process }) => ({ id: card.id, state: process.state }));
    const loaded = models.every(({ state }) => ["ready", "busy", "unloaded"].includes(state));
    const status = inFlight.closing ? "shutting_down" : loaded ? "ready" : "starting";
    return reply.code(status === "ready" ? 200 : 503).send({ status, models });
  });

  app.get("/v1/load", async () => {
    const models = shelf.queues.map((queue) => queue.load);
    const rates = models.flatMap((model) => model.seconds_per_pixel_step ?? []);
    return {
      running: sum(models.map((model) => model.running)),
      queued: sum(models.map((model) => model.queued)),
      concurrency: sum(models.map((model) => model.concurrency)),
      pending_pixel_steps: sum(models.map((model) => model.pending_pixel_steps)),
      // Of the slowest model: an estimate made with it is late rather than early.
      seconds_per_pixel_step: rates.length > 0 ? Math.max(...rates) : null,
      models,
    };
  });
}

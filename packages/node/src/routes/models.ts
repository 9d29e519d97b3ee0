import { errors, toModelObject } from "@atoma/contract";
import type { FastifyInstance } from "fastify";
import type { ModelShelf } from "../model-shelf.ts";

/** `GET /v1/models` and `/v1/models/{id}`; an id may hold a slash, escaped or not. */
export function modelsRoutes(app: FastifyInstance, shelf: ModelShelf): void {
  app.get("/v1/models", async () => ({
    object: "list",
    data: shelf.names.map(([name, queue]) => toModelObject(queue.card, name)),
  }));
  app.get<{ Params: { "*": string } }>("/v1/models/*", async (request, reply) => {
    const id = request.params["*"];
    if (id === "") return reply.callNotFound();
    const queue = shelf.find(id);
    if (!queue) throw errors.modelNotFound(id, shelf.modelNames());
    return toModelObject(queue.card, id);
  });
}

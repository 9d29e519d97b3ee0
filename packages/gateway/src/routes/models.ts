import { errors, type ModelCard, toModelObject } from "@atoma/contract";
import type { FastifyInstance } from "fastify";
import type { Deps } from "../deps.ts";

/** `GET /v1/models` and `/v1/models/{id}`; the slashes in an id may be escaped or not. */
export function modelRoutes(app: FastifyInstance, deps: Deps): void {
  const namesOf = (card: ModelCard) => [card.id, ...card.aliases];

  app.get("/v1/models", async (request) => {
    await deps.authenticate(request.raw);
    const data = deps.registry.listModels().flatMap((card) => namesOf(card).map((id) => toModelObject(card, id)));
    return { object: "list", data };
  });

  app.get<{ Params: { "*": string } }>("/v1/models/*", async (request) => {
    await deps.authenticate(request.raw);
    const id = request.params["*"];
    const card = deps.registry.findModel(id);
    if (!card) throw errors.modelNotFound(id);
    return toModelObject(card, id);
  });
}

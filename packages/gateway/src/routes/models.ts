import { errors, type ModelCard, toModelObject } from "@atoma/contract";
import type { FastifyInstance } from "fastify";
import type { Context } from "../context.ts";
import { mayUse, requireModel, usableModels } from "../generate/validate.ts";

/** `GET /v1/models` and `/v1/models/{id}`: the models that the key may use. The slashes in an id may be escaped or not. */
export function modelRoutes(app: FastifyInstance, context: Context): void {
  const namesOf = (card: ModelCard) => [card.id, ...card.aliases];

  app.get("/v1/models", async (request) => {
    const caller = await context.identify(request.raw);
    const cards = context.registry.listModels().filter(({ id }) => mayUse(caller, id));
    return { object: "list", data: cards.flatMap((card) => namesOf(card).map((id) => toModelObject(card, id))) };
  });

  app.get<{ Params: { "*": string } }>("/v1/models/*", async (request, reply) => {
    const id = request.params["*"];
    if (id === "") return reply.callNotFound();
    const caller = await context.identify(request.raw);
    const card = context.registry.findModel(id);
    if (!card) throw errors.modelNotFound(id, usableModels(context, caller));
    requireModel(caller, card.id);
    return toModelObject(card, id);
  });
}

import { createHash } from "node:crypto";
import { errors, type ImageJob, parseImageRequest, parseJsonObject } from "@atoma/contract";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ModelShelf } from "../model-shelf.ts";
import { type AnswerOptions, answerJob } from "./answer-job.ts";
import { bodyOf } from "./body-of.ts";

function readJob(request: FastifyRequest, shelf: ModelShelf): ImageJob {
  return parseImageRequest(parseJsonObject(bodyOf(request, "application/json")), {
    findModel: (id) => shelf.find(id)?.card,
    defaultModel: shelf.only?.card.id,
    modelNames: shelf.modelNames,
  });
}

/** `POST /v1/images/generations`: OpenAI's JSON, its server-sent events, or GenerationEvents as a CBOR sequence. */
export function generationsRoute(app: FastifyInstance, options: AnswerOptions): void {
  app.post("/v1/images/generations", async (request, reply) => {
    if (options.inFlight.closing) throw errors.shuttingDown();
    const job = readJob(request, options.shelf);
    const fingerprint = createHash("sha256").update(bodyOf(request, "application/json")).digest("base64");
    return answerJob(request, reply, { job, fingerprint }, options);
  });
}

import { errors } from "@atoma/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Deps } from "../deps.ts";
import { chooseReader } from "../edits/read-edit.ts";
import { uploadMemory } from "../edits/upload-memory.ts";
import { readBody } from "../http/read-body.ts";
import { readWholeImage } from "../images/whole-image.ts";
import { idempotencyKey } from "../steps/reserve.ts";
import { requireModel } from "../steps/validate.ts";

/** `POST /v1/images/edits`: authenticate, validate; nothing is reserved, since no node takes input pictures yet. */
export function imagesEdits(deps: Deps) {
  const memory = uploadMemory(deps.editBody.maxBytes);
  return async (request: FastifyRequest, _reply: FastifyReply): Promise<never> => {
    const caller = await deps.authenticate(request.raw);
    if (deps.draining()) throw errors.shuttingDown();
    const readEdit = chooseReader(request.headers);
    idempotencyKey(request.headers["idempotency-key"]);
    using _claim = memory.claim(caller.accountId, request.headers["content-length"]);
    const body = await readBody(request.raw, deps.editBody);
    const job = readEdit(body, { ...deps, findModel: deps.registry.findModel, readHeader: readWholeImage });
    request.logFields = { account: caller.accountId, key: caller.id, model: job.card.id };
    requireModel(caller, job.card.id);
    // The protocol between gateway and nodes has no place for input pictures yet, whatever a card promises.
    throw errors.noEdits(job.card.id);
  };
}

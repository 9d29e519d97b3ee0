import { chooseEditReader, EDIT_MEDIA_TYPES, errors, readWholeImage } from "@atoma/contract";
import type { FastifyInstance } from "fastify";
import { uploadRoom } from "../upload-room.ts";
import { type AnswerOptions, answerJob } from "./answer-job.ts";
import { bodyOf } from "./body-of.ts";

/** 64 MiB: as much as the gateway takes, with room for the form around the pictures. */
const MAX_BODY_BYTES = 64 * 2 ** 20 + 64 * 2 ** 10;
const BODIES = 4;

/** `POST /v1/images/edits`, as a form or as JSON; answered as generations are. Pictures are decoded by the model process. */
export function editsRoute(app: FastifyInstance, options: AnswerOptions): void {
  const { shelf, inFlight } = options;
  const room = uploadRoom(MAX_BODY_BYTES, BODIES);
  app.register(async (scope) => {
    scope.addContentTypeParser("multipart/form-data", { parseAs: "buffer" }, (_request, body, done) =>
      done(null, body),
    );
    scope.addHook("onRequest", async (request, reply) => {
      if (inFlight.closing) throw errors.shuttingDown();
      reply.raw.once("close", room.take(request.headers["content-length"]));
    });
    scope.post("/v1/images/edits", { bodyLimit: MAX_BODY_BYTES }, async (request, reply) => {
      const takeApart = chooseEditReader(request.headers);
      const body = takeApart(bodyOf(request, EDIT_MEDIA_TYPES));
      const job = body.toJob({
        findModel: (id) => shelf.find(id)?.card,
        defaultModel: shelf.only?.card.id,
        modelNames: shelf.modelNames,
        readHeader: readWholeImage,
      });
      const fingerprint = Buffer.from(await body.digest()).toString("base64");
      return answerJob(request, reply, { job, fingerprint }, options);
    });
  });
}

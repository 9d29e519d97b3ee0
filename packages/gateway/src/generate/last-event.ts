import type { FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import { logFailure, toApiError } from "../http/to-api-error.ts";
import { failStream } from "./event-stream.ts";

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>;

/** A handler whose failures become an HTTP error, or, once a stream has begun, that stream's last event. */
export function orLastEvent({ log }: Pick<Context, "log">, handler: Handler): Handler {
  return async (request, reply) => {
    try {
      return await handler(request, reply);
    } catch (error) {
      if (!reply.raw.headersSent) throw error;
      const known = toApiError(error);
      request.failedAs = known.status;
      logFailure(log, request.id, known);
      if (!reply.raw.destroyed && !reply.raw.writableEnded) failStream(reply.raw, known);
      return undefined;
    }
  };
}

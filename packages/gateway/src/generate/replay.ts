import type { FastifyReply, FastifyRequest } from "fastify";
import { deserializeAnswer } from "./answer.ts";
import { openStream, type RenderContext, sendAnswer, sendCompleted } from "./render.ts";
import { renderCompleted } from "./render-stream.ts";
import type { Replay } from "./reserve.ts";

export const REPLAYED = { "idempotent-replayed": "true", "x-idempotent-replay": "true" };

/** Answers from what the idempotency key remembers. Throws ApiError 410 when a picture has expired. */
export async function sendReplay(
  request: FastifyRequest,
  reply: FastifyReply,
  { response }: Replay,
  context: RenderContext,
): Promise<FastifyReply | undefined> {
  const answer = deserializeAnswer(response);
  if (request.ordered) request.ordered = { ...request.ordered, images: 0, units: 0 };
  reply.headers(REPLAYED);
  if (!answer.stream) return sendAnswer(request, reply, answer, context);
  // Before the stream begins, so that a picture that is gone is an HTTP error.
  for (const index of answer.items.keys()) await renderCompleted(answer, index, context.files);
  using stream = openStream(reply, context);
  return await sendCompleted(stream, answer, context);
}

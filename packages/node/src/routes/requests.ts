import { Readable } from "node:stream";
import { ApiError, errors } from "@atoma/contract";
import { correlationId } from "@atoma/http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { begun } from "../answers/begun.ts";
import { CBOR_SEQUENCE, cborAnswer } from "../answers/cbor-answer.ts";
import { requestController } from "../http/request-signal.ts";
import type { InFlight } from "../in-flight.ts";
import type { RequestLog, TrackedRun } from "../request-log.ts";
import type { Timers } from "../timers.ts";

export interface TrackedOptions {
  readonly log: RequestLog;
  readonly inFlight: InFlight;
  readonly logger: Logger;
  readonly timers: Timers;
  readonly generationMs: number;
}

const isDeparture = (reason: unknown) => reason instanceof ApiError && reason.status === 499;

/** Sends a generation's events; a caller that leaves leaves it running for a while, so that it can come back. */
export async function sendTracked(
  run: TrackedRun,
  request: FastifyRequest,
  reply: FastifyReply,
  { inFlight, logger, timers }: TrackedOptions,
  timeoutMs: number,
): Promise<FastifyReply> {
  const events = run.read();
  const controller = requestController(reply.raw, timeoutMs, timers);
  inFlight.add(controller, reply.raw);
  const { signal } = controller;
  signal.addEventListener("abort", () => {
    if (!isDeparture(signal.reason)) run.abort(signal.reason);
  });
  const onError = (err: unknown) => {
    if (!signal.aborted) logger.error({ requestId: request.id, err }, "generation failed after it began");
  };
  reply.raw.once("close", () => void events.return(undefined));
  const body = Readable.from(cborAnswer(await begun(events), onError), { objectMode: false });
  return reply.type(CBOR_SEQUENCE).send(body);
}

/**
 * `GET /v1/requests/{id}`: the events of a generation, from its first on, by the id that came as its `x-request-id`; 404
 * when it never came, 410 when it was cancelled. `DELETE` cancels it, and keeps it from ever being made.
 */
export function requestsRoutes(app: FastifyInstance, options: TrackedOptions): void {
  const idOf = (text: string) => {
    const id = correlationId(text);
    if (id === undefined) throw errors.requestNotFound();
    return id;
  };
  type WithId = { Params: { id: string } };
  app.get<WithId>("/v1/requests/:id", { exposeHeadRoute: false }, async (request, reply) => {
    const run = options.log.find(idOf(request.params.id));
    if (!run) throw errors.requestNotFound();
    return sendTracked(run, request, reply, options, options.generationMs);
  });
  app.delete<WithId>("/v1/requests/:id", async (request, reply) => {
    options.log.cancel(idOf(request.params.id));
    return reply.code(204).send();
  });
}

import { Readable } from "node:stream";
import { errors, type ImageJob } from "@atoma/contract";
import { correlationId } from "@atoma/http";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { begun } from "../answers/begun.ts";
import { CBOR_SEQUENCE, cborAnswer } from "../answers/cbor-answer.ts";
import { collect, jsonAnswer } from "../answers/json-answer.ts";
import { sseAnswer } from "../answers/sse-answer.ts";
import { acceptsExplicitly } from "../http/accepts.ts";
import { requestController } from "../http/request-signal.ts";
import type { InFlight } from "../in-flight.ts";
import type { ModelShelf } from "../model-shelf.ts";
import type { RequestLog } from "../request-log.ts";
import type { Timers } from "../timers.ts";
import { sendTracked } from "./requests.ts";

export interface AnswerOptions {
  readonly shelf: ModelShelf;
  readonly inFlight: InFlight;
  readonly log: RequestLog;
  readonly logger: Logger;
  readonly timers: Timers;
  readonly generationMs: number;
}

/** The caller's own deadline, if it is shorter. Throws ApiError on what is no whole number of at least 1. */
function timeoutOf(header: string | string[] | undefined, longestMs: number): number {
  if (header === undefined) return longestMs;
  const expected = "a whole number of milliseconds of at least 1";
  if (typeof header !== "string" || !/^[1-9][0-9]{0,11}$/.test(header)) {
    throw errors.invalidHeader("x-atoma-timeout-ms", expected);
  }
  return Math.min(Number(header), longestMs);
}

/** A node stores no files, and without a stream nobody would see previews. */
function forPlainAnswer<Job extends ImageJob>(job: Job): Job {
  if (job.responseFormat === "url") {
    throw errors.unsupported("response_format", "This node stores no files: use 'b64_json'.");
  }
  return job.stream ? job : { ...job, partialImages: 0 };
}

/** A request taken apart: its job, and what two sendings of it have in common. */
export interface ReadRequest {
  readonly job: ImageJob;
  readonly fingerprint: string;
}

/** Makes a job's pictures and answers in the form that was asked for: JSON, server-sent events, or a CBOR sequence. */
export async function answerJob(
  request: FastifyRequest,
  reply: FastifyReply,
  { job: parsed, fingerprint }: ReadRequest,
  options: AnswerOptions,
): Promise<FastifyReply> {
  const { shelf, inFlight, log, logger, timers, generationMs } = options;
  const started = performance.now();
  const asCbor = acceptsExplicitly(request.headers.accept, CBOR_SEQUENCE);
  const job = asCbor ? parsed : forPlainAnswer(parsed);
  const queue = shelf.find(job.card.id);
  if (!queue) throw errors.modelNotFound(job.card.id);

  const timeoutMs = timeoutOf(request.headers["x-atoma-timeout-ms"], generationMs);
  const id = asCbor ? correlationId(request.headers["x-request-id"]) : undefined;
  if (id !== undefined) {
    const make = (signal: AbortSignal) => queue.generate(job, { signal, requestId: request.id });
    return sendTracked(log.run(id, fingerprint, make), request, reply, options, timeoutMs);
  }
  const controller = requestController(reply.raw, timeoutMs, timers);
  inFlight.add(controller, reply.raw);
  const { signal } = controller;
  const events = queue.generate(job, { signal, requestId: request.id });
  const onError = (err: unknown) => {
    if (!signal.aborted) logger.error({ requestId: request.id, err }, "generation failed after it began");
  };
  // Whichever way the response ends, and whether or not anybody began to read: the slot is freed.
  reply.raw.once("close", () => void events.return(undefined).catch(onError));

  if (asCbor) {
    const body = Readable.from(cborAnswer(await begun(events), onError), { objectMode: false });
    return reply.type(CBOR_SEQUENCE).send(body);
  }
  if (job.stream) {
    const body = Readable.from(sseAnswer(job, await begun(events), onError), { objectMode: false });
    const headers = { "cache-control": "no-cache, no-transform", "x-accel-buffering": "no" };
    return reply.headers(headers).type("text/event-stream; charset=utf-8").send(body);
  }
  const { images, told } = await collect(events, job.n);
  const answer = jsonAnswer(job, images, told, new Date());
  reply.header("openai-processing-ms", String(Math.round(performance.now() - started)));
  reply.header("content-length", String(answer.length));
  return reply.type("application/json; charset=utf-8").send(Readable.from(answer.body(), { objectMode: false }));
}

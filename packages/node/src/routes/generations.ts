import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { errors, type ImageJob, parseImageRequest, parseJsonObject } from "@atoma/contract";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { begun } from "../answers/begun.ts";
import { CBOR_SEQUENCE, cborAnswer } from "../answers/cbor-answer.ts";
import { collect, jsonAnswer } from "../answers/json-answer.ts";
import { sseAnswer } from "../answers/sse-answer.ts";
import { acceptsExplicitly } from "../http/accepts.ts";
import { correlationId } from "../http/request-id.ts";
import { requestController } from "../http/request-signal.ts";
import type { InFlight } from "../in-flight.ts";
import type { ModelShelf } from "../model-shelf.ts";
import type { RequestLog } from "../request-log.ts";
import { sendTracked } from "./requests.ts";

export interface GenerationsOptions {
  readonly shelf: ModelShelf;
  readonly inFlight: InFlight;
  readonly log: RequestLog;
  readonly logger: Logger;
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

function readJob(request: FastifyRequest, shelf: ModelShelf): ImageJob {
  const { body } = request;
  if (body === undefined) throw errors.unsupportedContentType(undefined, "application/json");
  if (!(body instanceof Uint8Array)) throw errors.internal(new Error("the body was parsed before its time"));
  return parseImageRequest(parseJsonObject(body), {
    findModel: (id) => shelf.find(id)?.card,
    defaultModel: shelf.only?.card.id,
  });
}

const fingerprintOf = ({ body }: FastifyRequest) =>
  createHash("sha256")
    .update(body instanceof Uint8Array ? body : "")
    .digest("base64");

/** A node stores no files, and without a stream nobody would see previews. */
function forPlainAnswer(job: ImageJob): ImageJob {
  if (job.responseFormat === "url") {
    throw errors.unsupported("response_format", "This node stores no files: use 'b64_json'.");
  }
  return job.stream ? job : { ...job, partialImages: 0 };
}

/** `POST /v1/images/generations`: OpenAI's JSON, its server-sent events, or GenerationEvents as a CBOR sequence. */
export function generationsRoute(app: FastifyInstance, options: GenerationsOptions): void {
  const { shelf, inFlight, logger, generationMs } = options;
  app.post("/v1/images/generations", async (request, reply) => {
    if (inFlight.closing) throw errors.shuttingDown();
    const started = performance.now();
    const asCbor = acceptsExplicitly(request.headers.accept, CBOR_SEQUENCE);
    const parsed = readJob(request, shelf);
    const job = asCbor ? parsed : forPlainAnswer(parsed);
    const queue = shelf.find(job.card.id);
    if (!queue) throw errors.modelNotFound(job.card.id);

    const timeoutMs = timeoutOf(request.headers["x-atoma-timeout-ms"], generationMs);
    const id = asCbor ? correlationId(request.headers["x-request-id"]) : undefined;
    if (id !== undefined) {
      const run = options.log.run(id, fingerprintOf(request), (signal) =>
        queue.generate(job, { signal, requestId: request.id }),
      );
      return sendTracked(run, request, reply, options, timeoutMs);
    }
    const controller = requestController(reply.raw, timeoutMs);
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
    const { images, usage } = await collect(events, job.n);
    const answer = jsonAnswer(job, images, usage, new Date());
    reply.header("openai-processing-ms", String(Math.round(performance.now() - started)));
    reply.header("content-length", String(answer.length));
    return reply.type("application/json; charset=utf-8").send(Readable.from(answer.body(), { objectMode: false }));
  });
}

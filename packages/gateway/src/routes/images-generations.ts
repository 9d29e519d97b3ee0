import { Readable } from "node:stream";
import { errors, type GeneratedImage, type GenerationEvent, type ImageJob, type Usage } from "@atoma/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import { type Answer, deserializeAnswer, serializeAnswer, toAnswer } from "../answer.ts";
import type { Deps } from "../deps.ts";
import { keepImages } from "../files/keep.ts";
import { type Departure, watchDeparture } from "../http/client-gone.ts";
import { type EventStream, openEventStream } from "../http/event-stream.ts";
import { originOf } from "../http/origin.ts";
import { readBody, requireJson } from "../http/read-body.ts";
import { logFailure, toApiError } from "../http/send-error.ts";
import { cutStalledReader } from "../http/stalled-reader.ts";
import { atoma } from "../nodes/atoma.ts";
import { forward } from "../steps/forward.ts";
import { renderCompleted, renderJson, renderPartial, renderProgress } from "../steps/render.ts";
import { idempotencyKey, type Reservation, reserve } from "../steps/reserve.ts";
import { settle } from "../steps/settle.ts";
import { validate } from "../steps/validate.ts";

/** After a generation's deadline, for storing and settling, before its hold expires by itself. */
const SETTLE_MS = 60_000;

/** One run of a job: what all steps after the reservation share. */
interface Run {
  readonly job: ImageJob;
  readonly hold: Extract<Reservation, { outcome: "held" }>;
  readonly replayable: boolean;
  readonly departure: Departure;
  readonly events: AsyncGenerator<GenerationEvent>;
}

/** `POST /v1/images/generations`: authenticate, validate, reserve, forward, render, settle. */
export function imagesGenerations(deps: Deps) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const caller = await deps.authenticate(request.raw);
    if (deps.draining()) throw errors.shuttingDown();
    requireJson(request.headers);
    const key = idempotencyKey(request.headers["idempotency-key"]);
    const body = await readBody(request.raw, deps.body);
    const priced = validate(body, caller, { ...deps, findModel: deps.registry.findModel });
    const { job } = priced;
    const hold = await reserve(priced, caller, {
      ...deps,
      requestId: request.id,
      idempotencyKey: key,
      body,
      deadline: deps.now() + deps.generationTimeoutMs + SETTLE_MS,
    });
    request.logFields = { account: caller.accountId, key: caller.id, model: job.card.id, units: priced.units };
    if (hold.outcome === "replay") return replay(deps, request, reply, deserializeAnswer(hold.response));

    using departure = watchDeparture(reply.raw, deps.generationTimeoutMs);
    const { signal } = departure;
    const events = forward(job, {
      candidates: deps.registry.candidates(job.card.id),
      dialect: atoma,
      requestId: request.id,
      signal,
      timeoutMs: deps.generationTimeoutMs,
      log: deps.log,
    });
    const run: Run = { job, hold, replayable: key !== undefined, departure, events };
    try {
      reply.headers(hold.headers);
      return job.stream ? await answerStream(deps, request, reply, run) : await answerJson(deps, request, reply, run);
    } catch (error) {
      await release(deps, hold.holdId, request.id);
      throw error;
    }
  };
}

/** Voids a hold; if even that fails, its deadline frees it. A hold that was posted stays posted. */
async function release(deps: Deps, holdId: Run["hold"]["holdId"], requestId: string): Promise<void> {
  await deps.ledger.void({ holdId }).catch((error: unknown) => {
    deps.log.error({ err: error, requestId, holdId }, "hold not voided; it will expire");
  });
}

/** Stores and settles what was made. Nothing has been sent yet; nobody is charged if the client has left. */
async function finish(
  deps: Deps,
  run: Run,
  images: readonly GeneratedImage[],
  usage: Usage | undefined,
): Promise<Answer> {
  const kept = await keepImages(run.job, images, {
    files: deps.files,
    randomBytes: deps.randomBytes,
    expiresAtMs: deps.now() + deps.fileTtlMs,
    replayable: run.replayable,
  });
  const answer = toAnswer(run.job, kept, usage, deps.now());
  run.departure.signal.throwIfAborted();
  await settle(deps.ledger, run.hold.holdId, run.hold.units, serializeAnswer(answer));
  run.departure.finished();
  return answer;
}

async function answerJson(deps: Deps, request: FastifyRequest, reply: FastifyReply, run: Run): Promise<FastifyReply> {
  const images: GeneratedImage[] = [];
  let usage: Usage | undefined;
  for await (const event of run.events) {
    if (event.type === "image") images.push(event);
    else if (event.type === "done") usage = event.usage;
  }
  return sendJson(deps, request, reply, await finish(deps, run, images, usage));
}

async function sendJson(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
): Promise<FastifyReply> {
  cutStalledReader(reply.raw);
  const body = await renderJson(answer, { files: deps.files, origin: deps.publicUrl ?? originOf(request) });
  return reply
    .code(200)
    .headers({
      "content-type": "application/json; charset=utf-8",
      "content-length": String(body.length),
      "openai-processing-ms": String(Math.round(reply.elapsedTime)),
    })
    .send(Readable.from(body.chunks(), { objectMode: false, highWaterMark: 256 * 1024 }));
}

/** Sends a stream; what fails before its first event is thrown, what fails after it is the stream's last event. */
async function sendStream(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  signal: AbortSignal,
  work: (stream: EventStream) => Promise<void>,
  onFailure: () => Promise<void>,
): Promise<undefined> {
  const takeOver = () => {
    reply.hijack();
    cutStalledReader(reply.raw);
    // Set by our own hooks, all of them strings.
    return reply.getHeaders() as Record<string, string>;
  };
  using stream = openEventStream(reply.raw, takeOver, signal);
  try {
    await work(stream);
    stream.end();
  } catch (error) {
    if (!stream.begun) throw error;
    await onFailure();
    const known = toApiError(error);
    logFailure(deps.log, request.id, known);
    stream.fail(known);
  }
}

/** Whether the client asked for progress events: `Accept: text/event-stream; progress=1`. */
function wantsProgress(request: FastifyRequest): boolean {
  return /text\/event-stream\s*;\s*progress=1/i.test(request.headers.accept ?? "");
}

function answerStream(deps: Deps, request: FastifyRequest, reply: FastifyReply, run: Run): Promise<undefined> {
  const work = (stream: EventStream) => streamEvents(deps, request, run, stream);
  return sendStream(deps, request, reply, run.departure.signal, work, () => release(deps, run.hold.holdId, request.id));
}

async function streamEvents(deps: Deps, request: FastifyRequest, run: Run, stream: EventStream): Promise<void> {
  const { job } = run;
  const createdAt = Math.floor(deps.now() / 1000);
  const progress = wantsProgress(request);
  const images: GeneratedImage[] = [];
  let usage: Usage | undefined;
  for await (const event of run.events) {
    if (event.type === "image") images.push(event);
    else if (event.type === "done") usage = event.usage;
    else if (event.type === "partial") {
      await stream.send(renderPartial(toAnswer(job, [], undefined, createdAt * 1000), event.partial, event.bytes));
    } else if (event.type === "progress" && progress) {
      await stream.send(renderProgress(event.step, event.steps, createdAt));
    }
  }
  const answer = await finish(deps, run, images, usage);
  for (const item of answer.items) await stream.send(await renderCompleted(answer, item, deps.files));
}

/** Answers from what the idempotency key remembers. */
async function replay(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
): Promise<FastifyReply | undefined> {
  reply.headers({ "idempotent-replayed": "true", "x-idempotent-replay": "true" });
  if (!answer.stream) return sendJson(deps, request, reply, answer);
  const events = await Promise.all(answer.items.map((item) => renderCompleted(answer, item, deps.files)));
  using departure = watchDeparture(reply.raw, deps.generationTimeoutMs);
  departure.finished();
  const work = async (stream: EventStream) => {
    for (const event of events) await stream.send(event);
  };
  return sendStream(deps, request, reply, departure.signal, work, async () => {});
}

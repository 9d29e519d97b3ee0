import { Readable } from "node:stream";
import { type Job, jobIdOf, LedgerUnavailableError } from "@atoma/ledger";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import { originFor } from "../http/origin.ts";
import { cutStalledReader } from "../http/stalled-reader.ts";
import { logFailure, toApiError } from "../http/to-api-error.ts";
import { enqueue, requireRoom, sendAccepted } from "../jobs/routes.ts";
import type { Runner } from "../jobs/runner.ts";
import { type Answer, deserializeAnswer, toAnswer } from "./answer.ts";
import type { Caller } from "./authenticate.ts";
import { watchDeparture } from "./client-gone.ts";
import { type EventStream, openEventStream } from "./event-stream.ts";
import { charge, collect, keep, type Run, startRun } from "./generation.ts";
import { renderCompleted, renderJson, renderPartial, renderProgress } from "./render.ts";
import { type Hold, type Reservation, reserve } from "./reserve.ts";
import type { Upload } from "./upload.ts";
import type { PricedJob } from "./validate.ts";

const REPLAYED = { "idempotent-replayed": "true", "x-idempotent-replay": "true" };
/** After a generation's deadline, for storing and settling, before its hold expires by itself. */
const SETTLE_MS = 60_000;

/** Steps 3 to 6 for a validated job, and its answer as JSON, as server-sent events, or later. */
export async function answerJob(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  {
    caller,
    priced,
    body,
    key,
    later,
    upload,
  }: {
    readonly caller: Caller;
    readonly priced: PricedJob;
    /** As it came, or what stands for it; an idempotency key belongs to its bytes. */
    readonly body: Uint8Array;
    /** The idempotency key. */
    readonly key: string | undefined;
    /** Who makes the pictures when the client does not wait for them. */
    readonly later: Runner | undefined;
    /** The pictures of an edit. */
    readonly upload?: Upload;
  },
): Promise<FastifyReply | undefined> {
  const { job } = priced;
  if (later) await requireRoom(context, caller.accountId, key);
  const deadline = context.now() + (later ? context.jobTimeoutMs : context.generationTimeoutMs);
  const hold = await reserve(priced, caller, {
    ...context,
    requestId: request.id,
    idempotencyKey: key,
    body,
    deadline: deadline + SETTLE_MS,
  });
  request.logFields = { account: caller.accountId, key: caller.id, model: job.card.id, units: priced.units };
  if (hold.outcome !== "held") {
    const earlier = later && (await earlierJob(context, caller, hold, key));
    if (earlier || hold.outcome === "replay") reply.headers(REPLAYED);
    if (earlier) return sendAccepted(context, request, reply, earlier);
    if (hold.outcome === "in_progress") throw hold.error;
    return replay(context, request, reply, deserializeAnswer(hold.response));
  }
  if (later) {
    const queued = await enqueue(context, later, { caller, job, hold, requestId: request.id, key, deadline });
    return sendAccepted(context, request, reply.headers(hold.headers), queued);
  }

  using departure = watchDeparture(reply.raw, context.generationTimeoutMs);
  const run = startRun(context, {
    job,
    accountId: caller.accountId,
    requestId: request.id,
    replayable: key !== undefined,
    departure,
    upload,
  });
  try {
    reply.headers(hold.headers);
    if (job.stream) return await answerStream(context, request, reply, run, hold);
    const answer = await keep(context, run, await collect(run));
    await charge(context, run, hold, answer);
    return await sendJson(context, request, reply, answer);
  } catch (error) {
    await release(context, run, hold, error);
    throw error;
  }
}

/** The job that an idempotency key began before, whether it still runs or has been answered from. */
function earlierJob(
  { ledger: { jobs } }: Context,
  { accountId }: Caller,
  found: Exclude<Reservation, Hold>,
  key: string | undefined,
): Promise<Job | undefined> {
  if (found.outcome === "replay") return jobs.find(accountId, jobIdOf(found.holdId));
  return key === undefined ? Promise.resolve(undefined) : jobs.findByIdempotencyKey(accountId, key);
}

async function sendJson(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
): Promise<FastifyReply> {
  cutStalledReader(reply.raw);
  const body = await renderJson(answer, { files: context.files, origin: originFor(context, request) });
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
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  signal: AbortSignal,
  work: (stream: EventStream) => Promise<void>,
  onFailure: (error: unknown) => Promise<void>,
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
    await onFailure(error);
    const known = toApiError(error);
    logFailure(context.log, request.id, known);
    stream.fail(known);
  }
}

/** Whether the client asked for progress events: `Accept: text/event-stream; progress=1`. */
function wantsProgress(request: FastifyRequest): boolean {
  return /text\/event-stream\s*;\s*progress=1/i.test(request.headers.accept ?? "");
}

function answerStream(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  run: Run,
  hold: Hold,
): Promise<undefined> {
  const work = (stream: EventStream) => streamEvents(context, request, run, hold, stream);
  return sendStream(context, request, reply, run.departure.signal, work, (error) => release(context, run, hold, error));
}

async function streamEvents(
  context: Context,
  request: FastifyRequest,
  run: Run,
  hold: Hold,
  stream: EventStream,
): Promise<void> {
  const { job } = run;
  const createdAt = Math.floor(context.now() / 1000);
  const progress = wantsProgress(request);
  const made = await collect(run, async (event) => {
    if (event.type === "partial") {
      await stream.send(renderPartial(toAnswer(job, [], undefined, createdAt * 1000), event.partial, event.bytes));
    } else if (event.type === "progress" && progress) {
      await stream.send(renderProgress(job.operation, event.step, event.steps, createdAt));
    }
  });
  const answer = await keep(context, run, made);
  await charge(context, run, hold, answer);
  for (const index of answer.items.keys()) await stream.send(await renderCompleted(answer, index, context.files));
}

/** Lets go of what a run held that ended with an error. */
function release(context: Context, run: Run, { holdId, units }: Hold, error: unknown): Promise<void> {
  const { accountId, requestId, replayable } = run;
  // It may be charged, then, although nothing was sent.
  const unknown = error instanceof LedgerUnavailableError;
  return context.voidLater.release({ holdId, accountId, units, requestId, giveBack: unknown && !replayable });
}

/** Answers from what the idempotency key remembers. */
async function replay(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
): Promise<FastifyReply | undefined> {
  if (!answer.stream) return sendJson(context, request, reply, answer);
  const events = await Promise.all(answer.items.map((_, index) => renderCompleted(answer, index, context.files)));
  using departure = watchDeparture(reply.raw, context.generationTimeoutMs);
  departure.finished();
  const work = async (stream: EventStream) => {
    for (const event of events) await stream.send(event);
  };
  return sendStream(context, request, reply, departure.signal, work, async () => {});
}

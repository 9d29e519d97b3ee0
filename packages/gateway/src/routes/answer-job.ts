import { Readable } from "node:stream";
import { type Job, jobIdOf, LedgerUnavailableError } from "@atoma/ledger";
import type { FastifyReply, FastifyRequest } from "fastify";
import { type Answer, deserializeAnswer, toAnswer } from "../answer.ts";
import type { Deps } from "../deps.ts";
import type { Upload } from "../edits/upload.ts";
import { watchDeparture } from "../http/client-gone.ts";
import { type EventStream, openEventStream } from "../http/event-stream.ts";
import { originFor } from "../http/origin.ts";
import { cutStalledReader } from "../http/stalled-reader.ts";
import { logFailure, toApiError } from "../http/to-api-error.ts";
import type { Runner } from "../jobs/runner.ts";
import { charge, collect, keep, type Run, startRun } from "../run.ts";
import type { Caller } from "../steps/authenticate.ts";
import { renderCompleted, renderJson, renderPartial, renderProgress } from "../steps/render.ts";
import { type Hold, type Reservation, reserve } from "../steps/reserve.ts";
import type { PricedJob } from "../steps/validate.ts";
import { enqueue, requireRoom, sendAccepted } from "./generation-jobs.ts";

const REPLAYED = { "idempotent-replayed": "true", "x-idempotent-replay": "true" };
/** After a generation's deadline, for storing and settling, before its hold expires by itself. */
const SETTLE_MS = 60_000;

/** Steps 3 to 6 for a validated job, and its answer as JSON, as server-sent events, or later. */
export async function answerJob(
  deps: Deps,
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
  if (later) await requireRoom(deps, caller.accountId, key);
  const deadline = deps.now() + (later ? deps.jobTimeoutMs : deps.generationTimeoutMs);
  const hold = await reserve(priced, caller, {
    ...deps,
    requestId: request.id,
    idempotencyKey: key,
    body,
    deadline: deadline + SETTLE_MS,
  });
  request.logFields = { account: caller.accountId, key: caller.id, model: job.card.id, units: priced.units };
  if (hold.outcome !== "held") {
    const earlier = later && (await earlierJob(deps, caller, hold, key));
    if (earlier || hold.outcome === "replay") reply.headers(REPLAYED);
    if (earlier) return sendAccepted(deps, request, reply, earlier);
    if (hold.outcome === "in_progress") throw hold.error;
    return replay(deps, request, reply, deserializeAnswer(hold.response));
  }
  if (later) {
    const queued = await enqueue(deps, later, { caller, job, hold, requestId: request.id, key, deadline });
    return sendAccepted(deps, request, reply.headers(hold.headers), queued);
  }

  using departure = watchDeparture(reply.raw, deps.generationTimeoutMs);
  const run = startRun(deps, {
    job,
    accountId: caller.accountId,
    requestId: request.id,
    replayable: key !== undefined,
    departure,
    upload,
  });
  try {
    reply.headers(hold.headers);
    if (job.stream) return await answerStream(deps, request, reply, run, hold);
    const answer = await keep(deps, run, await collect(run));
    await charge(deps, run, hold, answer);
    return await sendJson(deps, request, reply, answer);
  } catch (error) {
    await release(deps, run, hold, error);
    throw error;
  }
}

/** The job that an idempotency key began before, whether it still runs or has been answered from. */
function earlierJob(
  { ledger: { jobs } }: Deps,
  { accountId }: Caller,
  found: Exclude<Reservation, Hold>,
  key: string | undefined,
): Promise<Job | undefined> {
  if (found.outcome === "replay") return jobs.find(accountId, jobIdOf(found.holdId));
  return key === undefined ? Promise.resolve(undefined) : jobs.findByIdempotencyKey(accountId, key);
}

async function sendJson(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
): Promise<FastifyReply> {
  cutStalledReader(reply.raw);
  const body = await renderJson(answer, { files: deps.files, origin: originFor(deps, request) });
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
    logFailure(deps.log, request.id, known);
    stream.fail(known);
  }
}

/** Whether the client asked for progress events: `Accept: text/event-stream; progress=1`. */
function wantsProgress(request: FastifyRequest): boolean {
  return /text\/event-stream\s*;\s*progress=1/i.test(request.headers.accept ?? "");
}

function answerStream(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  run: Run,
  hold: Hold,
): Promise<undefined> {
  const work = (stream: EventStream) => streamEvents(deps, request, run, hold, stream);
  return sendStream(deps, request, reply, run.departure.signal, work, (error) => release(deps, run, hold, error));
}

async function streamEvents(
  deps: Deps,
  request: FastifyRequest,
  run: Run,
  hold: Hold,
  stream: EventStream,
): Promise<void> {
  const { job } = run;
  const createdAt = Math.floor(deps.now() / 1000);
  const progress = wantsProgress(request);
  const made = await collect(run, async (event) => {
    if (event.type === "partial") {
      await stream.send(renderPartial(toAnswer(job, [], undefined, createdAt * 1000), event.partial, event.bytes));
    } else if (event.type === "progress" && progress) {
      await stream.send(renderProgress(job.operation, event.step, event.steps, createdAt));
    }
  });
  const answer = await keep(deps, run, made);
  await charge(deps, run, hold, answer);
  for (const index of answer.items.keys()) await stream.send(await renderCompleted(answer, index, deps.files));
}

/** Lets go of what a run held that ended with an error. */
function release(deps: Deps, run: Run, { holdId, units }: Hold, error: unknown): Promise<void> {
  const { accountId, requestId, replayable } = run;
  // It may be charged, then, although nothing was sent.
  const unknown = error instanceof LedgerUnavailableError;
  return deps.releases.release({ holdId, accountId, units, requestId, giveBack: unknown && !replayable });
}

/** Answers from what the idempotency key remembers. */
async function replay(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
): Promise<FastifyReply | undefined> {
  if (!answer.stream) return sendJson(deps, request, reply, answer);
  const events = await Promise.all(answer.items.map((_, index) => renderCompleted(answer, index, deps.files)));
  using departure = watchDeparture(reply.raw, deps.generationTimeoutMs);
  departure.finished();
  const work = async (stream: EventStream) => {
    for (const event of events) await stream.send(event);
  };
  return sendStream(deps, request, reply, departure.signal, work, async () => {});
}

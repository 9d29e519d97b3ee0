import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { ApiError, errors, type GenerationEvent, type ImageJob } from "@atoma/contract";
import type { Logger } from "pino";
import type { Dispatcher } from "undici";
import type { Attempt } from "../dialects/dialect.ts";
import type { Upload } from "../generate/upload.ts";
import { type Node, nodeHeaders } from "../nodes/node.ts";
import type { Outcome } from "../routing/balancer.ts";
import { verified } from "./answer-check.ts";
import { codeOf, connectionLost, neverConnected } from "./connection-errors.ts";
import { fetchPicture } from "./fetch-picture.ts";
import { readStart } from "./read-start.ts";
import { readComplaint, refusalError } from "./refusal.ts";
import { reattach } from "./resume.ts";

export interface ExchangeContext {
  /** The pictures of an edit; let go of as soon as no other node can be asked. */
  readonly upload?: Upload | undefined;
  readonly requestId: string;
  /** Aborted with what is to be thrown then: the client left, the deadline came, or the job is stopped. */
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** What may come behind the last event, so that the connection can be used again. */
const MAX_REST_BYTES = 1024;
const REST_MS = 1000;
/** Statuses by which a node says that it did not start; only then may another one be asked. */
const NOT_STARTED = new Set([423, 425, 429, 503]);
/** How often one answer may break off and be taken up again. */
const MAX_REATTACHMENTS = 5;
const DEFAULT_RETRY_MS = 2000;
const SLICE_BYTES = 64 * 1024;

/** A node that did not begin: why, as the client would see it, and as the balancer does. */
export interface NotStarted {
  readonly error: ApiError;
  readonly outcome: Outcome;
}

/** One request to one node. */
export interface Exchange {
  readonly node: Node;
  readonly attempt: Attempt;
  /** The node's own id for it, which no other request has. */
  readonly id: string;
  readonly timeoutMs: number;
}

function retryAfterMs(headers: Dispatcher.ResponseData["headers"]): number {
  const ms = Number(headers["retry-after-ms"] ?? Number(headers["retry-after"]) * 1000);
  return Number.isFinite(ms) && ms > 0 ? ms : DEFAULT_RETRY_MS;
}

/** Bytes as a stream that holds them no longer once they are sent: undici keeps a body until the answer has ended. */
function inSlices(body: Uint8Array): Readable {
  let rest = body;
  const slices = function* () {
    while (rest.length > 0) {
      yield rest.subarray(0, SLICE_BYTES);
      rest = rest.subarray(SLICE_BYTES);
    }
    rest = new Uint8Array();
  };
  return Readable.from(slices(), { objectMode: false });
}

export function newAttempt(node: Node, job: ImageJob, signal: AbortSignal): Attempt {
  const { pool, origin, models } = node;
  return {
    model: models.find(({ card }) => card.id === job.card.id)?.upstream ?? job.card.id,
    seed: randomBytes(4).readUInt32LE(),
    fetchPicture: (url, maxBytes) => fetchPicture({ pool, origin, headers: nodeHeaders(node) }, url, maxBytes, signal),
  };
}

/** Nothing of the client's own headers goes to a node. */
async function post(
  { node, attempt, id, timeoutMs }: Exchange,
  job: ImageJob,
  { upload, signal }: ExchangeContext,
): Promise<Dispatcher.ResponseData> {
  const { dialect } = node;
  const { path, headers, body } = upload ? upload.request(dialect, attempt) : dialect.request(job, attempt);
  return node.pool.request({
    method: "POST",
    path,
    headers: {
      ...headers,
      ...nodeHeaders(node),
      "x-request-id": id,
      "x-atoma-timeout-ms": String(timeoutMs),
      "content-length": String(Buffer.byteLength(body)),
    },
    body: typeof body === "string" ? body : inSlices(body),
    reset: dialect.ownConnections === true,
    signal,
  });
}

/** A final refusal. The gateway's own credential being wrong is the operator's to mend. */
async function refusal(answer: Dispatcher.ResponseData, node: Node, log: Logger): Promise<ApiError> {
  const complaint = readComplaint(await readStart(answer.body));
  const line = { node: node.name, status: answer.statusCode, code: complaint?.code };
  if (answer.statusCode === 401 || answer.statusCode === 403) log.error(line, "node refused the gateway's credential");
  else log.warn(line, "node refused");
  return refusalError(answer.statusCode, complaint);
}

async function* eventsOf(
  answer: Dispatcher.ResponseData,
  { node, attempt }: Exchange,
  job: ImageJob,
): AsyncGenerator<GenerationEvent, void, undefined> {
  // Leaving early destroys the body, which emits an error that nobody else listens for.
  answer.body.on("error", () => {});
  let whole = false;
  try {
    // Not left to the loop, which would close the connection although only the end of the body is missing.
    const chunks = answer.body.iterator({ destroyOnReturn: false });
    yield* verified(node.dialect.events(chunks, job, attempt), job);
    whole = true;
  } finally {
    if (whole) answer.body.dump({ limit: MAX_REST_BYTES, signal: AbortSignal.timeout(REST_MS) }).catch(() => {});
    else answer.body.destroy();
  }
}

/** Sends the request. Throws ApiError when the outcome is final, and the transport's error when it is not known. */
async function begin(
  exchange: Exchange,
  job: ImageJob,
  context: ExchangeContext,
): Promise<NotStarted | Dispatcher.ResponseData> {
  const { node } = exchange;
  let answer: Dispatcher.ResponseData;
  try {
    answer = await post(exchange, job, context);
  } catch (error) {
    if (!neverConnected(error)) throw error;
    context.log.warn({ node: node.name, reason: codeOf(error) }, "node cannot be reached");
    return { error: errors.nodeUnreachable(error), outcome: "unreachable" };
  }
  if (NOT_STARTED.has(answer.statusCode)) {
    // Not read: a node that stalls here must not hold up the next one.
    answer.body.on("error", () => {}).destroy();
    const busyForMs = retryAfterMs(answer.headers);
    return { error: errors.overloaded(busyForMs), outcome: { busyForMs } };
  }
  if (answer.statusCode !== 200) throw await refusal(answer, node, context.log);
  return answer;
}

/**
 * The events of one node, from its first answer on. Where the connection breaks and the node remembers requests, it is
 * asked what became of this one, and its answer is taken up where it broke off. Gives the reason when nothing has begun.
 */
export async function* exchange(
  one: Exchange,
  job: ImageJob,
  context: ExchangeContext,
): AsyncGenerator<GenerationEvent, NotStarted | undefined> {
  const { node, id } = one;
  const path = node.dialect.requestPath?.(id);
  let given = 0;
  /** Whether something was passed on that cannot be taken back. */
  let shown = false;
  let answer: Dispatcher.ResponseData | undefined;
  for (let breaks = 0; ; breaks++) {
    try {
      if (!answer) {
        const begun = await begin(one, job, context);
        if ("outcome" in begun) return begun;
        answer = begun;
        context.upload?.[Symbol.dispose]();
        // Nor can its pictures be sent once more.
        shown = context.upload !== undefined;
      }
      let at = 0;
      for await (const event of eventsOf(answer, one, job)) {
        if (at++ < given) continue;
        given++;
        shown ||= event.type !== "progress";
        yield event;
      }
      return undefined;
    } catch (error) {
      context.signal.throwIfAborted();
      if (error instanceof ApiError) throw error;
      const final = answer ? errors.nodeBadResponse(error) : errors.nodeUnreachable(error);
      if (path === undefined || !connectionLost(error) || breaks === MAX_REATTACHMENTS) throw final;
      context.log.warn({ node: node.name, requestId: context.requestId, reason: codeOf(error) }, "connection lost");
      const again = await reattach(node, path, context);
      if (again === "unknown" && shown) throw final;
      if (again === "unknown") return { error: errors.nodeUnreachable(error), outcome: "failed" };
      answer = again;
    }
  }
}

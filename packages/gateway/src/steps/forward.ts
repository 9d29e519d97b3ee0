import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { type ApiError, errors, type GenerationEvent, type ImageJob, readImageHeader } from "@atoma/contract";
import type { Logger } from "pino";
import type { Dispatcher } from "undici";
import type { Upload } from "../edits/upload.ts";
import type { Attempt } from "../nodes/dialect.ts";
import { fetchPicture } from "../nodes/fetch-picture.ts";
import { readComplaint, refusalError } from "../nodes/refusal.ts";
import { type Node, nodeHeaders } from "../nodes/registry.ts";

export interface ForwardContext {
  /** Nodes that can do it, best first. Throws ApiError 400 where none can. */
  readonly candidates: () => readonly Node[];
  /** The pictures of an edit; let go of as soon as no other node can be asked. */
  readonly upload?: Upload | undefined;
  readonly requestId: string;
  /** Aborted with an ApiError as its reason: the client left, or the deadline came. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly log: Logger;
}

/** Statuses by which a node says that it did not start; only then may another one be asked. */
const NOT_STARTED = new Set([423, 425, 429, 503]);
const CONNECT_FAILED = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
]);
const MAX_ERROR_BYTES = 64 * 1024;
const DEFAULT_RETRY_MS = 2000;
const SLICE_BYTES = 256 * 1024;

function code(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** A final refusal. The node's own credential being wrong is the operator's to mend. */
async function refusal(answer: Dispatcher.ResponseData, node: Node, log: Logger): Promise<ApiError> {
  const complaint = readComplaint(await readText(answer.body));
  const line = { node: node.name, status: answer.statusCode, code: complaint?.code };
  if (answer.statusCode === 401 || answer.statusCode === 403) log.error(line, "node refused the gateway's credential");
  else log.warn(line, "node refused");
  return refusalError(answer.statusCode, complaint);
}

/** The beginning of a body; a body that breaks off or goes on is judged by what came. */
async function readText(body: Dispatcher.ResponseData["body"]): Promise<string> {
  let text = "";
  body.on("error", () => {});
  try {
    for await (const chunk of body) {
      text += chunk;
      if (text.length > MAX_ERROR_BYTES) break;
    }
  } catch {
    // What came so far is enough, or is no envelope.
  }
  return text;
}

function retryAfterMs(headers: Dispatcher.ResponseData["headers"]): number {
  const ms = Number(headers["retry-after-ms"] ?? Number(headers["retry-after"]) * 1000);
  return Number.isFinite(ms) && ms > 0 ? ms : DEFAULT_RETRY_MS;
}

const nothingBegan = new WeakSet<Error>();

/** Whether this is how `forward` ended because certainly no node began: the job can be done later. */
export const neverBegan = (error: unknown): boolean => error instanceof Error && nothingBegan.has(error);

type Outcome =
  | { readonly outcome: "not_started"; readonly error: ApiError }
  | { readonly outcome: "started"; readonly answer: Dispatcher.ResponseData };

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

function newAttempt(node: Node, job: ImageJob, { signal }: ForwardContext): Attempt {
  const { pool, origin, models } = node;
  return {
    model: models.find(({ card }) => card.id === job.card.id)?.upstream ?? job.card.id,
    seed: randomBytes(4).readUInt32LE(),
    fetchPicture: (url, maxBytes) => fetchPicture({ pool, origin, headers: nodeHeaders(node) }, url, maxBytes, signal),
  };
}

/** Asks one node. Throws only when the outcome is final. */
async function ask(node: Node, job: ImageJob, attempt: Attempt, context: ForwardContext): Promise<Outcome> {
  const { dialect } = node;
  const { path, headers, body } = context.upload ? context.upload.request(dialect) : dialect.request(job, attempt);
  let answer: Dispatcher.ResponseData;
  try {
    answer = await node.pool.request({
      method: "POST",
      path,
      headers: {
        ...headers,
        ...nodeHeaders(node),
        "x-request-id": context.requestId,
        "x-atoma-timeout-ms": String(context.timeoutMs),
        "content-length": String(Buffer.byteLength(body)),
      },
      body: typeof body === "string" ? body : inSlices(body),
      signal: context.signal,
    });
  } catch (error) {
    context.signal.throwIfAborted();
    if (!CONNECT_FAILED.has(code(error) ?? "")) throw errors.nodeUnreachable(error);
    node.ready = false;
    context.log.warn({ node: node.name, reason: code(error) }, "node cannot be reached");
    return { outcome: "not_started", error: errors.nodeUnreachable(error) };
  }
  if (NOT_STARTED.has(answer.statusCode)) {
    // Not read: a node that stalls here must not hold up the next one.
    answer.body.on("error", () => {}).destroy();
    return { outcome: "not_started", error: errors.overloaded(retryAfterMs(answer.headers)) };
  }
  if (answer.statusCode !== 200) throw await refusal(answer, node, context.log);
  return { outcome: "started", answer };
}

/** Throws unless the picture is what was ordered: the next one, in the right format and size. */
function verifyImage(event: GenerationEvent & { type: "image" }, index: number, job: ImageJob): void {
  const header = readImageHeader(event.bytes);
  const right =
    event.index === index &&
    index < job.n &&
    header?.format === job.outputFormat &&
    header.width === job.width &&
    header.height === job.height;
  if (!right) throw new Error(`picture ${index} is not what was ordered`);
}

/** Throws unless the preview is a picture, and one of those that were asked for. */
function verifyPartial(event: GenerationEvent & { type: "partial" }, job: ImageJob): void {
  const asked = event.index < job.n && event.partial < job.partialImages;
  if (!asked || readImageHeader(event.bytes)?.format !== job.outputFormat)
    throw new Error("a preview nobody asked for");
}

async function* verified(events: AsyncIterable<GenerationEvent>, job: ImageJob): AsyncGenerator<GenerationEvent> {
  let images = 0;
  for await (const event of events) {
    if (event.type === "error") {
      throw event.code === "generation_failed" ? errors.generationFailed() : errors.nodeBadResponse();
    }
    if (event.type === "image") verifyImage(event, images++, job);
    if (event.type === "partial") verifyPartial(event, job);
    if (event.type === "done") {
      if (images !== job.n) throw new Error(`${images} of ${job.n} pictures`);
      yield event;
      return;
    }
    yield event;
  }
  throw new Error("the answer ended early");
}

/**
 * Step 4. Has one node do the job and yields its events, each checked; `done` comes last, after exactly n pictures.
 * Another node is asked only when the one before certainly did not start. Leaving the loop stops the node.
 * Throws ApiError 500 `node_unreachable`, 503 or 504, or what the signal was aborted with.
 */
export async function* forward(job: ImageJob, context: ForwardContext): AsyncGenerator<GenerationEvent> {
  let last: ApiError = errors.nodeUnreachable();
  for (const node of context.candidates()) {
    node.inFlight++;
    try {
      const attempt = newAttempt(node, job, context);
      const result = await ask(node, job, attempt, context);
      if (result.outcome === "not_started") {
        // A busy node says more about when to come back than one that is away.
        if (last.code !== "overloaded") last = result.error;
        continue;
      }
      context.upload?.[Symbol.dispose]();
      yield* answered(result.answer, node.dialect.events(result.answer.body, job, attempt), job, context);
      return;
    } finally {
      node.inFlight--;
    }
  }
  nothingBegan.add(last);
  throw last;
}

async function* answered(
  answer: Dispatcher.ResponseData,
  events: AsyncIterable<GenerationEvent>,
  job: ImageJob,
  context: ForwardContext,
): AsyncGenerator<GenerationEvent> {
  // Leaving early destroys the body, which emits an error that nobody else listens for.
  answer.body.on("error", () => {});
  try {
    yield* verified(events, job);
  } catch (error) {
    context.signal.throwIfAborted();
    throw error instanceof Error && error.name === "ApiError" ? error : errors.nodeBadResponse(error);
  } finally {
    answer.body.destroy();
  }
}

import type { IncomingHttpHeaders } from "node:http";
import { Readable } from "node:stream";
import { type ApiError, errors, type ImageJob } from "@atoma/contract";
import type { Logger } from "pino";
import type { Clock } from "../clock.ts";
import { readComplaint } from "../dialects/complaint.ts";
import type { Assignment, Dialect, NodeRequest } from "../dialects/dialect.ts";
import type { Shelf } from "../pictures/shelf.ts";
import type { Outcome } from "../routing/types.ts";
import type { Made, OnPreview, Progress } from "./answer-body.ts";
import { codeOf, connectionLost, neverConnected } from "./connection-errors.ts";
import type { Endpoint } from "./endpoint.ts";
import { type Broken, type Exchange, exchange, NOT_STARTED, type Refused } from "./exchange.ts";
import { refusalError } from "./refusal.ts";
import { resume } from "./resume.ts";
import type { Request } from "./send.ts";

/** The pictures of an edit on their way to a node. Disposed of, it holds no memory any more; doing that twice is fine. */
export interface Pictures extends Disposable {
  /** Rejects with ApiError 400 when such nodes take no pictures, or one of them cannot be turned upright. */
  request(dialect: Dialect, assignment: Assignment): Promise<NodeRequest>;
}

export interface AttemptContext {
  /** Of an edit; let go of as soon as no other node can be asked. */
  readonly pictures?: Pictures | undefined;
  readonly onPreview: OnPreview;
  readonly shelf: Pick<Shelf, "openMemory" | "add">;
  readonly requestId: string;
  /** Aborted with what is to be thrown then: the client left, the deadline came, or the job is stopped. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One request to one node. */
export interface Attempt {
  readonly node: Endpoint;
  readonly assignment: Assignment;
  /** The node's own id for it, which no other request has. */
  readonly id: string;
  readonly timeoutMs: number;
}

export type Attempted =
  | { readonly kind: "made"; readonly made: Made }
  /** Certainly nothing has begun: why, as the client would see it, and as the balancer does. */
  | { readonly kind: "not-started"; readonly error: ApiError; readonly outcome: Outcome };

/** How often one answer may break off and be taken up again. */
const MAX_RESUMPTIONS = 5;
const DEFAULT_RETRY_MS = 2000;
const SLICE_BYTES = 64 * 1024;

function retryAfterMs(headers: IncomingHttpHeaders): number {
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

/** Nothing of the client's own headers goes to a node. */
async function toRequest(one: Attempt, job: ImageJob, pictures?: Pictures): Promise<Request> {
  const { node, assignment, id, timeoutMs } = one;
  const { dialect } = node;
  const { path, headers, body } = pictures
    ? await pictures.request(dialect, assignment)
    : dialect.request(job, assignment);
  return {
    method: "POST",
    path,
    headers: {
      ...headers,
      "x-request-id": id,
      "x-atoma-timeout-ms": String(timeoutMs),
      "content-length": String(Buffer.byteLength(body)),
    },
    body: typeof body === "string" ? body : inSlices(body),
    ownConnection: dialect.ownConnections === true,
  };
}

/** A final refusal. The gateway's own credential being wrong is the operator's to mend. */
function refusal({ status, text }: Refused, node: Endpoint, log: Logger): ApiError {
  const complaint = readComplaint(text);
  const line = { node: node.name, status, code: complaint?.code };
  if (status === 401 || status === 403) log.error(line, "node refused the gateway's credential");
  else log.warn(line, "node refused");
  return refusalError(status, complaint);
}

/** Sends the request for the first time. */
async function begin(ask: Exchange, request: Request, node: Endpoint, log: Logger): Promise<Attempted | Broken> {
  const answer = await ask(request);
  switch (answer.kind) {
    case "made":
      return answer;
    case "refused": {
      if (!NOT_STARTED.has(answer.status)) throw refusal(answer, node, log);
      const busyForMs = retryAfterMs(answer.headers);
      return { kind: "not-started", error: errors.overloaded(busyForMs), outcome: { busyForMs } };
    }
    case "broken": {
      const { answered, error } = answer;
      if (answered || !neverConnected(error)) return answer;
      log.warn({ node: node.name, reason: codeOf(error) }, "node cannot be reached");
      return { kind: "not-started", error: errors.nodeUnreachable(error), outcome: "unreachable" };
    }
  }
}

/** The same for what was asked about a request, whose answer had begun. */
function resumed(again: Made | "unknown" | Broken, broken: Broken, { shown }: Progress): Attempted | Broken {
  if (again !== "unknown") return "kind" in again ? again : { kind: "made", made: again };
  if (shown) throw errors.nodeBadResponse(broken.error);
  return { kind: "not-started", error: errors.nodeUnreachable(broken.error), outcome: "failed" };
}

/**
 * Has one node do the job. Where the connection breaks and the node remembers requests, it is asked what became of this one,
 * and its answer is read again. Throws ApiError when the outcome is final, and the signal's reason.
 */
export async function attempt(one: Attempt, job: ImageJob, context: AttemptContext): Promise<Attempted> {
  const { node, id } = one;
  const { log, requestId, pictures } = context;
  const progress: Progress = { taken: 0, shown: false };
  const onAnswer = () => {
    if (!pictures) return;
    // They are let go, and so cannot be sent once more.
    pictures[Symbol.dispose]();
    progress.shown = true;
  };
  const parties = { node, job, assignment: one.assignment };
  const ask: Exchange = (request) => exchange(request, parties, progress, { ...context, onAnswer });
  const path = node.dialect.requestPath?.(id);
  let outcome = await begin(ask, await toRequest(one, job, pictures), node, log);
  for (let breaks = 0; outcome.kind === "broken"; breaks++) {
    const { error, answered } = outcome;
    if (path === undefined || !connectionLost(error) || breaks === MAX_RESUMPTIONS) {
      throw answered ? errors.nodeBadResponse(error) : errors.nodeUnreachable(error);
    }
    log.warn({ node: node.name, requestId, reason: codeOf(error) }, "connection lost");
    outcome = resumed(await resume(node, path, ask, context), outcome, progress);
  }
  return outcome;
}

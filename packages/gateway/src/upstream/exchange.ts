import type { IncomingHttpHeaders } from "node:http";
import { ApiError, errors, type ImageJob } from "@atoma/contract";
import type { Clock } from "../clock.ts";
import type { Assignment } from "../dialects/dialect.ts";
import type { Shelf } from "../pictures/shelf.ts";
import { type AnswerBody, answerBody, type Made, type OnPreview, type Progress } from "./answer-body.ts";
import { connectionLost } from "./connection-errors.ts";
import type { Endpoint } from "./endpoint.ts";
import { type BoundedReader, boundedReader, fetchPicture } from "./read-bounded.ts";
import { type Request, send } from "./send.ts";

/** An answer with another status than 200, and the beginning of its body. */
export interface Refused {
  readonly kind: "refused";
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** The connection broke, or none was made: what became of the request is not known, unless `error` tells. */
export interface Broken {
  readonly kind: "broken";
  /** Whether a good answer had begun. */
  readonly answered: boolean;
  readonly error: unknown;
}

export type Answered = { readonly kind: "made"; readonly made: Made } | Refused | Broken;

export type Exchange = (request: Request) => Promise<Answered>;

export interface ExchangeContext {
  readonly onPreview: OnPreview;
  /** Called when a good answer begins. */
  readonly onAnswer: () => void;
  readonly shelf: Pick<Shelf, "openMemory" | "add">;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** Statuses by which a node says that it did not start. */
export const NOT_STARTED = new Set([423, 425, 429, 503]);
const MAX_REFUSAL_BYTES = 64 * 1024;

/**
 * Sends one request that is answered with a job's pictures, and reads the answer. Rejects with ApiError when the answer is
 * none of such a node, and with the signal's reason.
 */
export async function exchange(
  request: Request,
  { node, job, assignment }: { readonly node: Endpoint; readonly job: ImageJob; readonly assignment: Assignment },
  progress: Progress,
  context: ExchangeContext,
): Promise<Answered> {
  let status = 0;
  let headers: IncomingHttpHeaders = {};
  let answer: AnswerBody | undefined;
  let refused: BoundedReader | undefined;
  try {
    await send(node, request, context, (answerStatus, answerHeaders) => {
      status = answerStatus;
      headers = answerHeaders;
      if (status === 200) {
        context.onAnswer();
        const contentLength = Number(headers["content-length"] ?? 0);
        const { onPreview, shelf } = context;
        const options = { job, progress, onPreview, shelf, trusted: node.trusted, contentLength };
        answer = answerBody(node.dialect.reader(job, assignment), options);
        return answer;
      }
      // Its body is not waited for: a node that stalls there must not hold up the next one.
      if (NOT_STARTED.has(status)) return undefined;
      refused = boundedReader(MAX_REFUSAL_BYTES, "cut");
      return refused;
    });
    // TypeScript does not see that the callback above has set it.
    const body = answer as AnswerBody | undefined;
    if (body) {
      const made = await body.made(({ url, maxBytes }) => fetchPicture(node, url, maxBytes, context));
      return { kind: "made", made };
    }
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof ApiError) throw error;
    const answered = answer !== undefined;
    // What it holds is sent once more, or not wanted any more.
    (answer as AnswerBody | undefined)?.[Symbol.dispose]();
    if (answered && !connectionLost(error)) throw errors.nodeBadResponse(error);
    // A refusal that breaks off is judged by what came of it.
    if (!refused) return { kind: "broken", answered, error };
  }
  return { kind: "refused", status, headers, text: (refused as BoundedReader | undefined)?.text() ?? "" };
}

import type { FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import { originFor } from "../http/origin.ts";
import { cutSlowReader } from "../http/slow-readers.ts";
import { takeOver } from "../http/take-over.ts";
import type { OnPreview } from "../upstream/answer-body.ts";
import { type Answer, toAnswer } from "./answer.ts";
import { EVENT_STREAM_HEADERS, type EventStream, openEventStream } from "./event-stream.ts";
import { renderJson } from "./render-json.ts";
import { renderCompleted, renderPartial, renderProgress } from "./render-stream.ts";
import { type RenderedBody, smallText, writeBody } from "./rendered-body.ts";
import type { Order } from "./validate.ts";

export type RenderContext = Pick<Context, "files" | "publicUrl" | "clock" | "readerLimits">;

/** How one request is answered: in JSON, or as a stream of events. */
export interface Rendering extends Disposable {
  readonly onPreview: OnPreview;
  /** Step 6. Resolves when the client has taken all of it; rejects with ApiError 499 when it leaves. */
  send(answer: Answer): Promise<FastifyReply | undefined>;
}

const nothingShown: OnPreview = () => undefined;

/** Sends JSON of known length. A small body goes out as one piece, a larger one no faster than the client reads it. */
export async function sendJson(
  reply: FastifyReply,
  status: number,
  body: RenderedBody,
  { clock, readerLimits }: Pick<Context, "clock" | "readerLimits">,
): Promise<FastifyReply | undefined> {
  const headers = { "content-type": "application/json; charset=utf-8", "content-length": String(body.length) };
  const text = smallText(body);
  if (text !== undefined) return reply.code(status).headers(headers).send(text);
  takeOver(reply, status, headers);
  using _slow = cutSlowReader(reply.raw, readerLimits, clock);
  try {
    await writeBody(reply.raw, body);
    reply.raw.end();
  } catch (error) {
    // Half a body: the client must not take it for a whole one.
    reply.raw.destroy();
    throw error;
  }
  return undefined;
}

/** Sends an answer in JSON. */
export async function sendAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
  context: RenderContext,
): Promise<FastifyReply | undefined> {
  const body = await renderJson(answer, context.files, originFor(context, request));
  reply.header("openai-processing-ms", String(Math.round(context.clock.monotonic() - request.began)));
  return sendJson(reply, 200, body, context);
}

/** Sends one `completed` event for each picture, which ends the stream. */
export async function sendCompleted(stream: EventStream, answer: Answer, { files }: RenderContext): Promise<undefined> {
  for (const index of answer.items.keys()) await stream.send(await renderCompleted(answer, index, files));
  stream.end();
}

/** Opens a stream of events on a reply. Nothing is sent before the first of them. */
export function openStream(reply: FastifyReply, { clock, readerLimits }: RenderContext): EventStream {
  let slow: Disposable | undefined;
  const begin = () => {
    takeOver(reply, 200, EVENT_STREAM_HEADERS);
    slow = cutSlowReader(reply.raw, readerLimits, clock);
  };
  const stream = openEventStream(reply.raw, begin, clock);
  return {
    ...stream,
    [Symbol.dispose]() {
      stream[Symbol.dispose]();
      slow?.[Symbol.dispose]();
    },
  };
}

/** Whether the client asked for progress events: `Accept: text/event-stream; progress=1`. */
function wantsProgress({ headers }: FastifyRequest): boolean {
  return /text\/event-stream\s*;\s*progress=1/i.test(headers.accept ?? "");
}

function asStream(request: FastifyRequest, reply: FastifyReply, { job }: Order, context: RenderContext): Rendering {
  const stream = openStream(reply, context);
  const createdAtMs = context.clock.now();
  const createdAt = Math.floor(createdAtMs / 1000);
  const progress = wantsProgress(request);
  return {
    onPreview(preview) {
      if (preview.type === "partial") {
        return stream.send(
          renderPartial(toAnswer(job, [], { usage: undefined }, createdAtMs), preview.partial, preview.bytes),
        );
      }
      if (!progress) return undefined;
      return stream.send(renderProgress(job.operation, preview.step, preview.steps, createdAt));
    },
    send: (answer) => sendCompleted(stream, answer, context),
    [Symbol.dispose]: stream[Symbol.dispose],
  };
}

export function openRendering(
  request: FastifyRequest,
  reply: FastifyReply,
  order: Order,
  context: RenderContext,
): Rendering {
  if (order.job.stream) return asStream(request, reply, order, context);
  return {
    onPreview: nothingShown,
    send: (answer) => sendAnswer(request, reply, answer, context),
    [Symbol.dispose]() {},
  };
}

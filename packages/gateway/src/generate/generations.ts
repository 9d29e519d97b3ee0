import type { FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import { prefersAsync } from "../http/prefer.ts";
import { readBody, requireJson } from "../http/read-body.ts";
import { authenticate } from "./authenticate.ts";
import { follow } from "./follow.ts";
import { forward } from "./forward.ts";
import { openGeneration } from "./generation.ts";
import type { Caller } from "./identify.ts";
import { orLastEvent } from "./last-event.ts";
import { openRendering } from "./render.ts";
import { sendReplay } from "./replay.ts";
import { type Identity, identityOf, reserve } from "./reserve.ts";
import { settle } from "./settle.ts";
import { logOrder, type Order, validate } from "./validate.ts";

/** Takes an order whose client does not wait for its pictures, and answers. */
export type Accept = (
  request: FastifyRequest,
  reply: FastifyReply,
  order: Order,
  identity: Identity,
  caller: Caller,
) => Promise<FastifyReply | undefined>;

/** `POST /v1/images/generations`, step by step. What throws after `openGeneration` voids the hold. */
export function imagesGenerations(context: Context, accept: Accept) {
  return orLastEvent(context, async (request, reply) => {
    const caller = await authenticate(request.raw, context);
    requireJson(request.headers);
    const { requestId, idempotencyKey } = identityOf(request);
    const body = await readBody(request.raw, context.body, context.clock);
    const order = logOrder(request, caller, validate(body, caller, context));
    const identity = { requestId, idempotencyKey, body };
    // A stream is an answer of its own; a preference need not be honoured.
    const later = prefersAsync(request.headers) && !order.job.stream;
    if (later) return accept(request, reply, order, identity, caller);
    const hold = await reserve(order, identity, caller, context);
    if (hold.kind === "replay") return sendReplay(request, reply, hold, context);
    await using generation = openGeneration(reply.raw, requestId, hold, context);
    using rendering = openRendering(request, reply.headers(hold.headers), order, context);
    using live = follow(order, caller, requestId, context);
    const work = { ...order, ...generation, pictures: undefined, onNode: live.onNode };
    const made = await forward(work, context, live.following(rendering.onPreview));
    return await rendering.send(await settle(made, order, generation, context));
  });
}

import { chooseEditReader, type ImageJob, readWholeImage } from "@atoma/contract";
import type { FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import { readBody } from "../http/read-body.ts";
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
import { openUpload, type Upload } from "./upload.ts";
import { type UploadMemory, uploadMemory } from "./upload-memory.ts";
import { logOrder, type Order, readingFor, toOrder } from "./validate.ts";

/** What stays of a request once its pictures are let go. */
interface ReadEdit {
  readonly order: Order;
  readonly upload: Upload;
  /** Its body is a digest of the form: the same for two sendings of one form. */
  readonly identity: Identity;
}

/** Step 2 for a body of pictures. The caller disposes of the upload. */
async function readEdit(
  request: FastifyRequest,
  caller: Caller,
  memory: UploadMemory,
  context: Context,
): Promise<ReadEdit> {
  const takeApart = chooseEditReader(request.headers);
  const { requestId, idempotencyKey } = identityOf(request);
  using claims = new DisposableStack();
  const claim = claims.use(memory.claim(caller.accountId, request.headers["content-length"]));
  const body = takeApart(await readBody(request.raw, context.editBody, context.clock));
  const edit = body.toJob({ ...readingFor(context, caller), readHeader: readWholeImage });
  const { images: _images, mask: _mask, inputFidelity: _fidelity, ...job } = edit;
  const order = toOrder(Object.freeze<ImageJob>(job), caller, context.registry);
  const digest = idempotencyKey === undefined ? new Uint8Array() : await body.digest();
  claims.move();
  return { order, upload: openUpload(edit, claim), identity: { requestId, idempotencyKey, body: digest } };
}

/** `POST /v1/images/edits`: as a generation, with pictures to start from, which are held until a node has taken them. */
export function imagesEdits(context: Context) {
  const memory = uploadMemory(context.editBody.maxBytes);
  return orLastEvent(context, async (request, reply) => {
    const caller = await authenticate(request.raw, context);
    const { order, upload, identity } = await readEdit(request, caller, memory, context);
    using pictures = upload;
    const hold = await reserve(logOrder(request, caller, order), identity, caller, context);
    if (hold.kind === "replay") return await sendReplay(request, reply, hold, context);
    await using generation = openGeneration(reply.raw, identity.requestId, hold, context);
    using rendering = openRendering(request, reply.headers(hold.headers), order, context);
    using live = follow(order, caller, identity.requestId, context);
    const work = { ...order, ...generation, pictures, onNode: live.onNode };
    const made = await forward(work, context, live.following(rendering.onPreview));
    return await rendering.send(await settle(made, order, generation, context));
  });
}

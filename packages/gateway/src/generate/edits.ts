import { chooseEditReader, errors, type ImageJob, readWholeImage } from "@atoma/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import { readBody } from "../http/read-body.ts";
import { answerJob } from "./answer-job.ts";
import type { Caller } from "./authenticate.ts";
import { idempotencyKey } from "./reserve.ts";
import { openUpload, type Upload } from "./upload.ts";
import { type UploadMemory, uploadMemory } from "./upload-memory.ts";
import { type PricedJob, price, readingFor } from "./validate.ts";

/** What stays of a request once its pictures are let go. */
interface ReadEdit {
  readonly priced: PricedJob;
  readonly upload: Upload;
  /** Stands for the body: the same for two sendings of one form. */
  readonly digest: Uint8Array;
}

/** Steps 1 and 2 for a body of pictures. Whoever gets the upload disposes of it. */
async function readEdit(
  context: Context,
  request: FastifyRequest,
  caller: Caller,
  memory: UploadMemory,
): Promise<ReadEdit> {
  const takeApart = chooseEditReader(request.headers);
  const key = idempotencyKey(request.headers["idempotency-key"]);
  using claims = new DisposableStack();
  const claim = claims.use(memory.claim(caller.accountId, request.headers["content-length"]));
  const body = takeApart(await readBody(request.raw, context.editBody));
  const edit = body.toJob({ ...readingFor(context, caller), readHeader: readWholeImage });
  const { images: _images, mask: _mask, inputFidelity: _fidelity, ...job } = edit;
  const priced = price(Object.freeze<ImageJob>(job), caller);
  context.registry.requireAble(job);
  const digest = key === undefined ? new Uint8Array() : await body.digest();
  claims.move();
  return { priced, upload: openUpload(edit, claim), digest };
}

/** `POST /v1/images/edits`: as a generation, with pictures to start from, which are held until a node has taken them. */
export function imagesEdits(context: Context) {
  const memory = uploadMemory(context.editBody.maxBytes);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const caller = await context.authenticate(request.raw);
    if (context.draining()) throw errors.shuttingDown();
    if (request.headers["idempotency-key"] === undefined) context.refusedKeys.check(caller);
    const { priced, upload, digest } = await readEdit(context, request, caller, memory);
    using _held = upload;
    const key = idempotencyKey(request.headers["idempotency-key"]);
    return await answerJob(context, request, reply, { caller, priced, body: digest, key, later: undefined, upload });
  };
}

import { chooseEditReader, errors, type ImageJob, readWholeImage } from "@atoma/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Deps } from "../deps.ts";
import { openUpload, type Upload } from "../edits/upload.ts";
import { type UploadMemory, uploadMemory } from "../edits/upload-memory.ts";
import { readBody } from "../http/read-body.ts";
import type { Caller } from "../steps/authenticate.ts";
import { idempotencyKey } from "../steps/reserve.ts";
import { type PricedJob, price } from "../steps/validate.ts";
import { answerJob } from "./answer-job.ts";

/** What stays of a request once its pictures are let go. */
interface ReadEdit {
  readonly priced: PricedJob;
  readonly upload: Upload;
  /** Stands for the body: the same for two sendings of one form. */
  readonly digest: Uint8Array;
}

/** Steps 1 and 2 for a body of pictures. Whoever gets the upload disposes of it. */
async function readEdit(deps: Deps, request: FastifyRequest, caller: Caller, memory: UploadMemory): Promise<ReadEdit> {
  const takeApart = chooseEditReader(request.headers);
  const key = idempotencyKey(request.headers["idempotency-key"]);
  using claims = new DisposableStack();
  const claim = claims.use(memory.claim(caller.accountId, request.headers["content-length"]));
  const body = takeApart(await readBody(request.raw, deps.editBody));
  const edit = body.toJob({ ...deps, findModel: deps.registry.findModel, readHeader: readWholeImage });
  const { images: _images, mask: _mask, inputFidelity: _fidelity, ...job } = edit;
  const priced = price(Object.freeze<ImageJob>(job), caller);
  deps.registry.requireAble(job);
  const digest = key === undefined ? new Uint8Array() : await body.digest();
  claims.move();
  return { priced, upload: openUpload(edit, claim), digest };
}

/** `POST /v1/images/edits`: as a generation, with pictures to start from, which are held until a node has taken them. */
export function imagesEdits(deps: Deps) {
  const memory = uploadMemory(deps.editBody.maxBytes);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const caller = await deps.authenticate(request.raw);
    if (deps.draining()) throw errors.shuttingDown();
    if (request.headers["idempotency-key"] === undefined) deps.rateGate.check(caller);
    const { priced, upload, digest } = await readEdit(deps, request, caller, memory);
    using _held = upload;
    const key = idempotencyKey(request.headers["idempotency-key"]);
    return await answerJob(deps, request, reply, { caller, priced, body: digest, key, later: undefined, upload });
  };
}

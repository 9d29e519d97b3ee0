import { errors } from "@atoma/contract";
import type { FastifyRequest } from "fastify";

/** The bytes of a request's body. Throws ApiError 415 where there is none; `accepted` is what it should have been. */
export function bodyOf({ body }: FastifyRequest, accepted: string): Uint8Array {
  if (body === undefined) throw errors.unsupportedContentType(undefined, accepted);
  if (!(body instanceof Uint8Array)) throw errors.internal(new Error("the body was parsed before its time"));
  return body;
}

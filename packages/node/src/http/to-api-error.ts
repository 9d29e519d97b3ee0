import { ApiError, EDIT_MEDIA_TYPES, errors } from "@atoma/contract";
import type { FastifyRequest } from "fastify";

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

const acceptedBy = ({ routeOptions }: FastifyRequest) =>
  routeOptions.url === "/v1/images/edits" ? EDIT_MEDIA_TYPES : "application/json";

/** Anything thrown while a request is served, as the error that its caller may see. */
export function toApiError(error: unknown, request: FastifyRequest, bodyLimit: number): ApiError {
  if (error instanceof ApiError) return error;
  switch (codeOf(error)) {
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return errors.unsupportedContentType(request.headers["content-type"], acceptedBy(request));
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return errors.bodyTooLarge(request.routeOptions.bodyLimit ?? bodyLimit);
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
      return errors.badRequest("The request body's length does not match the header 'content-length'.");
    case "ECONNRESET":
      return errors.clientClosed();
    default:
      return errors.internal(error);
  }
}

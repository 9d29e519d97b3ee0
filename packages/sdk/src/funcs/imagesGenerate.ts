import type { AtomaSDKCore } from "../core.ts";
import { type CallResult, startCall } from "../lib/call.ts";
import type { RequestOptions } from "../lib/client.ts";
import { readImages } from "../lib/images.ts";
import { toJSON, toWire } from "../lib/input.ts";
import type { CreateImageRequest } from "../models/components/createimagerequest.ts";
import type { CreateImageResponse } from "../models/components/createimageresponse.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import type { APIPromise } from "../types/async.ts";

/**
 * Makes 1 to 10 pictures from a prompt: POST /v1/images/generations.
 *
 * Always resolves: to `{ok: true, value}`, or to `{ok: false, error}` with an APIError (the server refused),
 * SDKValidationError (the request or the answer is not what it must be), ConnectionError, RequestTimeoutError,
 * RequestAbortedError, InvalidRequestError or UnexpectedClientError. By default it is tried again, at most twice, only after
 * 429, 503 and connections that were never established; every attempt carries the same `Idempotency-Key`.
 */
export function imagesGenerate(
  client: AtomaSDKCore,
  request: CreateImageRequest,
  options?: RequestOptions,
): APIPromise<CallResult<CreateImageResponse>> {
  return startCall(
    client,
    () => {
      const wire = toWire(request);
      if (wire.stream) throw new SDKValidationError("Input", "stream is for imagesGenerateStream", request);
      return {
        path: "/v1/images/generations",
        body: toJSON(wire),
        read: readImages,
      };
    },
    options,
  );
}

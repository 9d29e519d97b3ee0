import type { AtomaSDKCore } from "../core.ts";
import { type CallResult, startCall } from "../lib/call.ts";
import type { RequestOptions } from "../lib/client.ts";
import { readGeneration } from "../lib/generations.ts";
import { toJSON, toWire } from "../lib/input.ts";
import type { CreateImageRequest } from "../models/components/createimagerequest.ts";
import type { Generation } from "../models/components/generation.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import type { APIPromise } from "../types/async.ts";

/**
 * Has pictures made later: POST /v1/images/generations with `Prefer: respond-async` (RFC 7240). Resolves as soon as the server
 * has accepted the request, to a generation to ask for with `imagesGenerationGet` or to wait for with `imagesGenerationWait`.
 * Always resolves; the errors and retries are those of `imagesGenerate`.
 */
export function imagesGenerateAsync(
  client: AtomaSDKCore,
  request: CreateImageRequest,
  options?: RequestOptions,
): APIPromise<CallResult<Generation>> {
  return startCall(
    client,
    () => {
      const wire = toWire(request);
      if (wire.stream) throw new SDKValidationError("Input", "a generation that is made later has no stream", request);
      return { path: "/v1/images/generations", body: toJSON(wire), prefer: "respond-async", read: readGeneration };
    },
    options,
  );
}

import type { AtomaSDKCore } from "../core.ts";
import { type CallResult, startCall } from "../lib/call.ts";
import type { RequestOptions } from "../lib/client.ts";
import { readJSON } from "../lib/json.ts";
import type { HealthResponse } from "../models/components/healthresponse.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import type { APIPromise } from "../types/async.ts";

/**
 * Asks whether the server is well: GET /health. A server that is not answers 503, an APIError here. Asks once unless
 * `options.retries` says otherwise: who asks wants to know about now. Always resolves.
 */
export function healthCheck(client: AtomaSDKCore, options?: RequestOptions): APIPromise<CallResult<HealthResponse>> {
  return startCall(
    client,
    () => ({
      path: "/health",
      async read(response, attempt): Promise<HealthResponse> {
        const json = await readJSON(response, attempt);
        const message = json.message ?? json.status;
        if (typeof message !== "string") throw new SDKValidationError("Response", "message must be a string", json);
        return { ...json, message };
      },
    }),
    { ...options, retries: options?.retries ?? { strategy: "none" } },
  );
}

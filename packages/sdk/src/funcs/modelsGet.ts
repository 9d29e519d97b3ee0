import type { AtomaSDKCore } from "../core.ts";
import { type CallResult, startCall } from "../lib/call.ts";
import type { RequestOptions } from "../lib/client.ts";
import { readJSON } from "../lib/json.ts";
import { asModel } from "../lib/models.ts";
import { fromWire } from "../lib/wire.ts";
import type { Model } from "../models/components/model.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import type { APIPromise } from "../types/async.ts";

/**
 * Describes one model: GET /v1/models/{id}. Always resolves; the errors are those of `imagesGenerate`.
 * @param id as `modelsList` gives it, slashes included
 */
export function modelsGet(client: AtomaSDKCore, id: string, options?: RequestOptions): APIPromise<CallResult<Model>> {
  return startCall(
    client,
    () => {
      // A URL would take . and .. for steps of its path.
      if (typeof id !== "string" || ["", ".", ".."].includes(id))
        throw new SDKValidationError("Input", "the id of a model must be a string that can be part of a URL", id);
      return {
        path: `/v1/models/${encodeURIComponent(id)}`,
        read: async (response, attempt) => asModel(fromWire(await readJSON(response, attempt))),
      };
    },
    options,
  );
}

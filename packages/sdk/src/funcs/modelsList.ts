import type { AtomaSDKCore } from "../core.ts";
import { type CallResult, startCall } from "../lib/call.ts";
import type { RequestOptions } from "../lib/client.ts";
import { readJSON } from "../lib/json.ts";
import { asModel } from "../lib/models.ts";
import { fromWire } from "../lib/wire.ts";
import type { ModelList } from "../models/components/model.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import type { APIPromise } from "../types/async.ts";

/** Lists the models that the server has: GET /v1/models. Always resolves; the errors are those of `imagesGenerate`. */
export function modelsList(client: AtomaSDKCore, options?: RequestOptions): APIPromise<CallResult<ModelList>> {
  return startCall(
    client,
    () => ({
      path: "/v1/models",
      async read(response, attempt): Promise<ModelList> {
        const json = await readJSON(response, attempt);
        const { data, ...fields } = fromWire(json);
        if (!Array.isArray(data)) throw new SDKValidationError("Response", "data must be an array", json);
        return { ...fields, data: data.map(asModel) };
      },
    }),
    options,
  );
}

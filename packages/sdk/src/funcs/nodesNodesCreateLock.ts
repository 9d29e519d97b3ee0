import type { AtomaSDKCore } from "../core.ts";
import { type CallResult, startCall } from "../lib/call.ts";
import type { RequestOptions } from "../lib/client.ts";
import { readJSON } from "../lib/json.ts";
import type { NodesCreateLockRequest, NodesCreateLockResponse } from "../models/components/nodes.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import type { APIPromise } from "../types/async.ts";

/** Reserves a confidential node for a model: POST /v1/nodes/lock. Always resolves; the errors are those of `imagesGenerate`. */
export function nodesNodesCreateLock(
  client: AtomaSDKCore,
  request: NodesCreateLockRequest,
  options?: RequestOptions,
): APIPromise<CallResult<NodesCreateLockResponse>> {
  return startCall(
    client,
    () => {
      const { model, maxNumTokens, timeout } = Object(request);
      if (typeof model !== "string") throw new SDKValidationError("Input", "model must be a string", request);
      return {
        path: "/v1/nodes/lock",
        body: JSON.stringify({ model, max_num_tokens: maxNumTokens, timeout }),
        async read(response, attempt): Promise<NodesCreateLockResponse> {
          const json = await readJSON(response, attempt);
          const { public_key: publicKey, node_small_id: nodeSmallId, stack_small_id: stackSmallId } = json;
          if (typeof publicKey !== "string" || typeof nodeSmallId !== "number" || typeof stackSmallId !== "number") {
            const message = "public_key, node_small_id and stack_small_id must be there";
            throw new SDKValidationError("Response", message, json);
          }
          const { stack_entry_digest: digest } = json;
          return {
            publicKey,
            nodeSmallId,
            stackSmallId,
            ...(typeof digest === "string" && { stackEntryDigest: digest }),
          };
        },
      };
    },
    options,
  );
}

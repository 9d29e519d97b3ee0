import type { AtomaSDKCore } from "../core.ts";
import { type CallResult, startCall } from "../lib/call.ts";
import type { RequestOptions } from "../lib/client.ts";
import { readJSON } from "../lib/json.ts";
import type { NodesCreateRequest, NodesCreateResponse } from "../models/components/nodes.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import type { APIPromise } from "../types/async.ts";

/** Tells the server where a node is: POST /v1/nodes. Always resolves; the errors are those of `imagesGenerate`. */
export function nodesNodesCreate(
  client: AtomaSDKCore,
  request: NodesCreateRequest,
  options?: RequestOptions,
): APIPromise<CallResult<NodesCreateResponse>> {
  return startCall(
    client,
    () => {
      const { nodeSmallId: node_small_id, publicAddress: public_address, country } = Object(request?.data);
      return {
        path: "/v1/nodes",
        // The order of the fields is the one that is signed.
        body: JSON.stringify({ data: { node_small_id, public_address, country }, signature: request.signature }),
        async read(response, attempt): Promise<NodesCreateResponse> {
          const json = await readJSON(response, attempt);
          if (typeof json.message !== "string")
            throw new SDKValidationError("Response", "message must be a string", json);
          return { message: json.message };
        },
      };
    },
    options,
  );
}

import { seal } from "../confidential/seal.ts";
import type { AtomaSDKCore } from "../core.ts";
import { decodeBase64 } from "../lib/base64.ts";
import { type CallResult, startCall } from "../lib/call.ts";
import type { RequestOptions } from "../lib/client.ts";
import { readImages } from "../lib/images.ts";
import { toJSON, toWire } from "../lib/input.ts";
import { readJSON } from "../lib/json.ts";
import type { CreateImageRequest } from "../models/components/createimagerequest.ts";
import type { CreateImageResponse } from "../models/components/createimageresponse.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import type { APIPromise } from "../types/async.ts";
import { unwrap } from "../types/fp.ts";
import { nodesNodesCreateLock } from "./nodesNodesCreateLock.ts";

/**
 * Makes pictures from a prompt that only the node reads: POST /v1/confidential/images/generations, after POST /v1/nodes/lock.
 * Needs a server with confidential nodes, a `model`, and WebCrypto with X25519. Always resolves; an answer that was tampered with
 * is an SDKValidationError, all else as `imagesGenerate`. `timeoutMs` covers both requests.
 */
export function confidentialImagesGenerate(
  client: AtomaSDKCore,
  request: CreateImageRequest & { model: string },
  options?: RequestOptions,
): APIPromise<CallResult<CreateImageResponse>> {
  return startCall(
    client,
    async (signal) => {
      const wire = toWire(request);
      const { model } = wire;
      if (typeof model !== "string") throw new SDKValidationError("Input", "model must be a string", request);
      if (wire.stream) throw new SDKValidationError("Input", "confidential pictures cannot be streamed", request);
      const message = toJSON(wire);
      const { serverURL, retries, retryCodes, attemptTimeoutMs } = options ?? {};
      const lockOptions = { serverURL, retries, retryCodes, attemptTimeoutMs, signal };
      const locked = await nodesNodesCreateLock(client, { model }, lockOptions);
      signal.throwIfAborted(); // with the reason of this call, which is not that of the other
      const lock = unwrap(locked);
      const { fields, open } = await seal(message, decodeBase64(lock.publicKey));
      return {
        path: "/v1/confidential/images/generations",
        body: JSON.stringify({
          ...fields,
          model_name: model,
          num_compute_units: computeUnits(wire),
          stack_small_id: lock.stackSmallId,
          stream: false,
        }),
        async read(response, attempt) {
          const { ciphertext, nonce } = await readJSON(response, attempt);
          if (typeof ciphertext !== "string" || typeof nonce !== "string") {
            throw new SDKValidationError("Response", "ciphertext and nonce must be strings", undefined);
          }
          const text = await open(decodeBase64(ciphertext), decodeBase64(nonce));
          return readImages(response, attempt, text);
        },
      };
    },
    options,
  );
}

/** What the server reserves for a request that it cannot read: n × width × height, at 1024×1024 where no size is given. */
function computeUnits({ n, size, width, height }: Record<string, unknown>): number {
  const [, w, h] = /^(\d+)x(\d+)$/.exec(String(size)) ?? [undefined, width ?? 1024, height ?? 1024];
  return Number(n ?? 1) * Number(w) * Number(h);
}

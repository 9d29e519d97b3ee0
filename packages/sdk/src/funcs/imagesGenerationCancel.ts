import type { AtomaSDKCore } from "../core.ts";
import { type CallResult, startCall } from "../lib/call.ts";
import type { RequestOptions } from "../lib/client.ts";
import { type GenerationLike, generationPath, readGeneration } from "../lib/generations.ts";
import type { Generation } from "../models/components/generation.ts";
import type { APIPromise } from "../types/async.ts";

/**
 * Stops a generation: DELETE /v1/images/generations/{id}. Resolves to how it stands then: `cancelled`, or how it had ended before.
 * Always resolves; the errors are those of `imagesGenerate`.
 */
export function imagesGenerationCancel(
  client: AtomaSDKCore,
  generation: GenerationLike,
  options?: RequestOptions,
): APIPromise<CallResult<Generation>> {
  return startCall(
    client,
    () => ({ method: "DELETE", path: generationPath(generation), read: readGeneration }),
    options,
  );
}

import type { AtomaSDKCore } from "../core.ts";
import { type CallResult, startCall } from "../lib/call.ts";
import type { RequestOptions } from "../lib/client.ts";
import { type GenerationLike, generationPath, readGeneration } from "../lib/generations.ts";
import type { Generation } from "../models/components/generation.ts";
import type { APIPromise } from "../types/async.ts";

/** Asks how a generation stands: GET /v1/images/generations/{id}. Always resolves; the errors are those of `imagesGenerate`. */
export function imagesGenerationGet(
  client: AtomaSDKCore,
  generation: GenerationLike,
  options?: RequestOptions,
): APIPromise<CallResult<Generation>> {
  return startCall(client, () => ({ path: generationPath(generation), read: readGeneration }), options);
}

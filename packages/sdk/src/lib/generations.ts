import type { Generation } from "../models/components/generation.ts";
import { isRecord, readEnvelope } from "../models/errors/envelope.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import type { Attempt } from "./attempt.ts";
import { readImages, readPictures } from "./images.ts";
import { parseObject, readText } from "./json.ts";
import { parseRetryAfterMs } from "./retry-after.ts";
import { fromWire } from "./wire.ts";

/** A generation, or its id. */
export type GenerationLike = string | Generation;

/**
 * Where a generation is.
 * @throws SDKValidationError when it has no id that can be part of a URL
 */
export function generationPath(generation: GenerationLike): string {
  const id = typeof generation === "string" ? generation : Object(generation).id;
  // A URL would take . and .. for steps of its path.
  if (typeof id !== "string" || ["", ".", ".."].includes(id)) {
    throw new SDKValidationError("Input", "a generation must have an id that can be part of a URL", generation);
  }
  return `/v1/images/generations/${encodeURIComponent(id)}`;
}

/**
 * Reads how a generation stands from a 2xx answer. A server that does not know generations, or has answered a request with the
 * same idempotency key before, sends the pictures at once: that is a generation that has succeeded.
 * @throws SDKValidationError when it is neither, besides what `readJSON` throws
 */
export async function readGeneration(response: Response, attempt: Attempt): Promise<Generation> {
  const text = await readText(response, attempt);
  const { id, status, result, error, ...fields } = fromWire(parseObject(text, response, attempt));
  if (typeof id !== "string" || typeof status !== "string") {
    return { status: "succeeded", result: await readImages(response, attempt, text) };
  }
  const retryAfterMs = parseRetryAfterMs(response.headers, attempt.client._clock.now());
  return {
    ...fields,
    id,
    status,
    ...(isRecord(result) && { result: readPictures(result, attempt) }),
    ...(isRecord(error) && { error: readEnvelope(text) }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

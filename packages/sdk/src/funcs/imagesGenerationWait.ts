import type { AtomaSDKCore } from "../core.ts";
import type { Attempt } from "../lib/attempt.ts";
import { asError, refusal } from "../lib/attempt-error.ts";
import { abortedByCaller, type CallResult, startCall } from "../lib/call.ts";
import type { RequestOptions } from "../lib/client.ts";
import { startDeadline } from "../lib/deadline.ts";
import { type GenerationLike, generationPath, readGeneration } from "../lib/generations.ts";
import { pause } from "../lib/pause.ts";
import type { RetryConfig } from "../lib/retries.ts";
import type { CreateImageResponse } from "../models/components/createimageresponse.ts";
import type { Generation } from "../models/components/generation.ts";
import { SDKValidationError } from "../models/errors/sdkvalidationerror.ts";
import { type APICall, APIPromise } from "../types/async.ts";
import { unwrap } from "../types/fp.ts";

export interface WaitOptions extends RequestOptions {
  /** Deadline of the whole wait, ms. Default: none. The client's own `timeoutMs` is the deadline of each question. */
  timeoutMs?: number | undefined;
  /** Shortest time between two questions, ms. Default: what the server asks for, or 1,000. */
  intervalMs?: number | undefined;
  /** Told how the generation stands, after each question. */
  onUpdate?: ((generation: Generation) => void) | undefined;
}

/** Asking costs nothing, so the server may be away for a while. */
const PATIENT: RetryConfig = {
  strategy: "backoff",
  backoff: { maxElapsedTime: 300_000 },
  retryConnectionErrors: true,
};
const DEFAULT_INTERVAL_MS = 1_000;
/** A longer wish of the server is cut to this. */
const MAX_INTERVAL_MS = 120_000;

/**
 * Waits until the pictures of a generation are made: asks for it again and again. Unless `retries` or the client's `retryConfig`
 * says otherwise, the server may be away for five minutes.
 *
 * Always resolves: to the pictures, or to an error as `imagesGenerate`; an APIError also when the generation failed, or was
 * cancelled (`code` `cancelled`). Waiting no longer does not stop the generation: that is `imagesGenerationCancel`.
 */
export function imagesGenerationWait(
  client: AtomaSDKCore,
  generation: GenerationLike,
  options: WaitOptions = {},
): APIPromise<CallResult<CreateImageResponse>> {
  return new APIPromise(waitForEnd(client, generation, options));
}

async function waitForEnd(
  client: AtomaSDKCore,
  generation: GenerationLike,
  { timeoutMs, intervalMs, onUpdate, ...options }: WaitOptions,
): Promise<[CallResult<CreateImageResponse>, APICall]> {
  const clock = client._clock;
  const sources = [options.signal, options.fetchOptions?.signal];
  const total = startDeadline(clock, timeoutMs, sources, abortedByCaller);
  const retries = options.retries ?? client._options.retryConfig ?? PATIENT;
  let exchange: APICall = { status: "invalid" };
  try {
    let current = typeof generation === "string" ? undefined : generation;
    while (!current?.result) {
      if (current) await pause(clock, intervalUntilNext(current, intervalMs), total);
      const question = () => ({ path: generationPath(generation), read: readUnlessFailed });
      const call = startCall(client, question, { ...options, retries, signal: total.signal });
      const [answer, how] = await call.$inspect();
      exchange = how;
      current = unwrap(answer);
      onUpdate?.(current);
    }
    return [{ ok: true, value: current.result }, exchange];
  } catch (caught) {
    return [{ ok: false, error: asError(caught, total.signal) }, exchange];
  } finally {
    total.close();
  }
}

function intervalUntilNext({ retryAfterMs = DEFAULT_INTERVAL_MS }: Generation, intervalMs = 0): number {
  return Math.min(MAX_INTERVAL_MS, Math.max(retryAfterMs, intervalMs));
}

async function readUnlessFailed(response: Response, attempt: Attempt): Promise<Generation> {
  const generation = await readGeneration(response, attempt);
  const { status, result, error } = generation;
  if (status === "succeeded" && !result) {
    throw new SDKValidationError("Response", "a generation that has succeeded must have a result", generation);
  }
  if (status === "failed") throw refusal("The generation failed", response, JSON.stringify({ error }), attempt);
  if (status === "cancelled") {
    throw refusal("The generation was cancelled", response, JSON.stringify({ error: { code: status } }), attempt);
  }
  return generation;
}

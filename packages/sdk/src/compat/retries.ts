import { asError } from "../lib/attempt-error.ts";
import { cancel } from "../lib/body.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { type RetryConfig, retryDelayMs } from "../lib/retries.ts";
import { APIError } from "../models/errors/apierror.ts";
import { ConnectionError } from "../models/errors/connectionerror.ts";
import { RequestTimeoutError } from "../models/errors/requesttimeouterror.ts";
import type { SDKError } from "../models/errors/sdkerror.ts";
import { isConnectionError, isTimeoutError, matchStatusCode } from "./http.ts";

export {
  type BackoffStrategy,
  backoffDelayMs,
  type RetryConfig,
  type RetryPolicy,
  retryDelayMs,
  retryPolicy,
} from "../lib/retries.ts";

/** Thrown by what `retry` calls: it is not called again. */
export class PermanentError extends Error {
  override readonly cause: unknown;

  constructor(message: string, options?: { cause?: unknown }) {
    super(options?.cause ? `${message}: ${options.cause}` : message);
    this.name = "PermanentError";
    this.cause = options?.cause;
  }
}

/** Thrown by what `retry` calls: it is called again, and at the end the response is what `retry` resolves to. */
export class TemporaryError extends Error {
  response: Response;

  constructor(message: string, response: Response) {
    super(message);
    this.name = "TemporaryError";
    this.response = response;
  }
}

/**
 * Calls `fetchFn` until it resolves to a response of another status than `statusCodes`, with the waits of the client's own
 * retries. Resolves to the last response, whatever its status.
 * @param clock for tests
 * @throws what `fetchFn` throws, once it is not to be called again
 */
export async function retry(
  fetchFn: () => Promise<Response>,
  { config, statusCodes }: { config: RetryConfig; statusCodes: string[] },
  clock: Clock = systemClock,
): Promise<Response> {
  const startedAt = clock.now();
  for (let attempts = 1; ; attempts++) {
    const { response, error } = await outcome(fetchFn);
    const isDone = response && !error && !matchStatusCode(response, statusCodes);
    const elapsedMs = clock.now() - startedAt;
    const delay =
      isDone || config.strategy !== "backoff" || error instanceof PermanentError
        ? undefined
        : retryDelayMs(
            config,
            response ? [`${response.status}`] : [],
            reason(response, error, clock),
            attempts,
            elapsedMs,
          );
    if (delay === undefined) {
      if (response) return response;
      throw error;
    }
    cancel(response?.body);
    await new Promise<void>((resolve) => clock.setTimeout(resolve, delay));
  }
}

async function outcome(fetchFn: () => Promise<Response>): Promise<{ response?: Response; error?: unknown }> {
  try {
    return { response: await fetchFn() };
  } catch (error) {
    return error instanceof TemporaryError ? { response: error.response, error } : { error };
  }
}

/** Why it is to be called again, in the form that the client's retries know. */
function reason(response: Response | undefined, thrown: unknown, clock: Clock): SDKError {
  if (response) return new APIError("API error occurred", response, "", String, clock.now());
  if (isTimeoutError(thrown)) return new RequestTimeoutError("It timed out", { cause: thrown });
  if (isConnectionError(thrown)) return new ConnectionError("No connection to the server", { cause: thrown });
  return asError(thrown);
}

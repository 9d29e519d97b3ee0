import { RequestTimeoutError } from "../models/errors/requesttimeouterror.ts";
import type { SDKError } from "../models/errors/sdkerror.ts";
import { type APICall, APIPromise } from "../types/async.ts";
import { ERR, OK, type Result } from "../types/fp.ts";
import { type Attempt, asSDKError, send } from "./attempt.ts";
import { type Deadline, startDeadline } from "./deadline.ts";
import { type Operation, prepareRequest } from "./request.ts";
import { retryDelayMs, retryPolicy } from "./retries.ts";
import type { ClientSDK, RequestOptions } from "./sdks.ts";

const DEFAULT_MAX_BYTES = 268_435_456;
/** A shorter key is the placeholder of a server that wants none, and its letters are in many a word. */
const MIN_SECRET_LENGTH = 8;

/** An operation with the way to read its answer. */
export interface Call<T> extends Operation {
  /** Reads an answer with a 2xx status. What it throws ends the attempt. */
  read(response: Response, attempt: Attempt): Promise<T>;
  /** The value outlives the call and closes its deadline itself. */
  readonly isStream?: boolean;
}

type Prepare<T> = (signal: AbortSignal) => Call<T> | Promise<Call<T>>;

export type CallResult<T> = Result<T, SDKError>;

/**
 * Makes a call with its retries and deadlines. Always resolves to a Result.
 * @param prepare checks the input; what it throws is the error of the call, and nothing is sent. The signal is that of the
 * call's deadline.
 */
export function startCall<T>(
  client: ClientSDK,
  prepare: Prepare<T>,
  options?: RequestOptions,
): APIPromise<CallResult<T>> {
  return new APIPromise(runCall(client, prepare, options ?? {}));
}

async function runCall<T>(
  client: ClientSDK,
  prepare: Prepare<T>,
  options: RequestOptions,
): Promise<[CallResult<T>, APICall]> {
  let trace: APICall = { status: "invalid" };
  let deadline: Deadline | undefined;
  let attempts = 0;
  let idempotencyKey: string | undefined;
  let isOpen = false;
  try {
    const defaults = client._options;
    const total = startDeadline(options.timeoutMs || defaults.timeoutMs, [
      options.signal,
      options.fetchOptions?.signal,
    ]);
    deadline = total;
    const call = await prepare(total.signal);
    const request = prepareRequest(client, call, options);
    idempotencyKey = request.idempotencyKey;
    const policy = retryPolicy(options.retries ?? defaults.retryConfig, options.retryCodes);
    const startedAt = performance.now();

    for (;;) {
      const attemptMs = options.attemptTimeoutMs || defaults.attemptTimeoutMs;
      const own = !attemptMs ? total : startDeadline(attemptMs, [total.signal], (signal) => signal.reason);
      try {
        total.signal.throwIfAborted();
        const authorization = await own.race(client._authorization());
        const token = authorization?.slice(7) ?? "";
        attempts++;
        const attempt: Attempt = {
          client,
          request,
          options,
          deadline: own,
          maxBytes: options.maxResponseBytes ?? defaults.maxResponseBytes ?? DEFAULT_MAX_BYTES,
          trace: (reached) => {
            trace = reached;
          },
          number: attempts,
          close: () => {
            own.close();
            total.close();
          },
          redact: (text) => (token.length < MIN_SECRET_LENGTH ? text : text.replaceAll(token, "***")),
        };
        const value = await call.read(await send(attempt, authorization), attempt);
        isOpen = call.isStream === true;
        if (isOpen && own !== total) own.disarm();
        return [OK(value), trace];
      } catch (caught) {
        const error = asSDKError(caught, own);
        const delay = retryDelayMs(policy, error, attempts, performance.now() - startedAt);
        if (delay === undefined || total.signal.aborted) throw error;
        await total.sleep(delay).catch((end) => {
          // A deadline that passes between two attempts has the last refusal as its cause.
          if (end instanceof RequestTimeoutError) end.cause = error;
          throw end;
        });
      } finally {
        if (!isOpen && own !== total) own.close();
      }
    }
  } catch (caught) {
    const error = asSDKError(caught, deadline);
    error.attempts = attempts;
    error.idempotencyKey = idempotencyKey;
    return [ERR(error), trace];
  } finally {
    if (!isOpen) deadline?.close();
  }
}

import { RequestAbortedError } from "../models/errors/requestabortederror.ts";
import { RequestTimeoutError } from "../models/errors/requesttimeouterror.ts";
import type { SDKError } from "../models/errors/sdkerror.ts";
import { type APICall, APIPromise } from "../types/async.ts";
import type { Result } from "../types/fp.ts";
import { type Attempt, send } from "./attempt.ts";
import { asError, attemptError } from "./attempt-error.ts";
import type { ClientSDK, RequestOptions } from "./client.ts";
import { startDeadline } from "./deadline.ts";
import { pause } from "./pause.ts";
import { checkAddressee, type Operation, prepareRequest } from "./request.ts";
import { retryDelayMs } from "./retries.ts";

/** An operation with the way to read its answer. */
export interface Call<T> extends Operation {
  /** Reads an answer with a 2xx status. What it throws ends the attempt. */
  read(response: Response, attempt: Attempt): Promise<T>;
  /** The value outlives the call and closes its deadline itself. */
  readonly isStream?: boolean;
}

type Prepare<T> = (signal: AbortSignal) => Call<T> | Promise<Call<T>>;

export type CallResult<T> = Result<T, SDKError>;

/** How far a call came. */
interface Progress {
  /** Requests that were sent, redirects not counted. */
  attempts: number;
  exchange: APICall;
  idempotencyKey?: string | undefined;
}

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
  const progress: Progress = { attempts: 0, exchange: { status: "invalid" } };
  const settled = runCall(client, prepare, options ?? {}, progress).then(
    (value): [CallResult<T>, APICall] => [{ ok: true, value }, progress.exchange],
    (caught): [CallResult<T>, APICall] => {
      const { attempts, exchange, idempotencyKey } = progress;
      const error = Object.assign(asError(caught), { attempts, idempotencyKey });
      return [{ ok: false, error }, exchange];
    },
  );
  return new APIPromise(settled);
}

async function runCall<T>(
  client: ClientSDK,
  prepare: Prepare<T>,
  options: RequestOptions,
  progress: Progress,
): Promise<T> {
  const { timeoutMs, attemptTimeoutMs, retryConfig } = client._options;
  const clock = client._clock;
  const sources = [options.signal, options.fetchOptions?.signal];
  const total = startDeadline(clock, options.timeoutMs || timeoutMs, sources, abortedByCaller);
  let isOpen: boolean | undefined;
  try {
    const call = await prepare(total.signal);
    const request = prepareRequest(client, call, options);
    progress.idempotencyKey = request.headers["idempotency-key"];
    const startedAt = clock.now();
    for (;;) {
      total.signal.throwIfAborted();
      const attemptMs = options.attemptTimeoutMs || attemptTimeoutMs;
      const own = !attemptMs ? total : startDeadline(clock, attemptMs, [total.signal]);
      const attempt: Attempt = { client, options, request, deadline: own, close: total.close };
      const work = async () => {
        const token = await client._token();
        // A key that the caller set as a header is sent in its place.
        attempt.token = request.headers.authorization?.replace(/.* /, "") ?? token;
        checkAddressee(attempt.token, request);
        own.signal.throwIfAborted();
        attempt.number = ++progress.attempts;
        return call.read(await send(attempt), attempt);
      };
      try {
        const value = await own.race(work());
        isOpen = call.isStream;
        return value;
      } catch (caught) {
        const refusal = attemptError(caught, attempt);
        const retries = options.retries ?? retryConfig;
        const elapsedMs = clock.now() - startedAt;
        const delay = retryDelayMs(retries, options.retryCodes, refusal, progress.attempts, elapsedMs);
        if (delay === undefined || total.signal.aborted) throw refusal;
        await pause(clock, delay, total).catch((end: unknown) => {
          if (end instanceof RequestTimeoutError) end.cause = refusal;
          throw end;
        });
      } finally {
        progress.exchange = attempt.reached ?? progress.exchange;
        if (own !== total) own.disarm();
      }
    }
  } finally {
    if (!isOpen) total.close();
  }
}

/** What a call ends with when a signal of the caller is aborted. */
export function abortedByCaller(cause: unknown): SDKError {
  return new RequestAbortedError("The request was aborted by the caller", { cause });
}

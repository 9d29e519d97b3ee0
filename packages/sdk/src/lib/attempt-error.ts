import { APIError } from "../models/errors/apierror.ts";
import { ConnectionError } from "../models/errors/connectionerror.ts";
import { InvalidRequestError } from "../models/errors/invalidrequesterror.ts";
import { identify, SDKError } from "../models/errors/sdkerror.ts";
import { UnexpectedClientError } from "../models/errors/unexpectedclienterror.ts";
import type { Attempt } from "./attempt.ts";

/** A shorter key is the placeholder of a server that wants none, and its letters are in many a word. */
const SHORTEST_SECRET = 8;

/** The error for an answer, without the key where the server repeats it. */
export function refusal(message: string, response: Response, body: string, attempt: Attempt): APIError {
  return new APIError(message, response, body, redacting(attempt), attempt.client._clock.now());
}

/** Takes the key of an attempt out of a text of the server. */
function redacting({ token = "" }: Attempt): (text: string) => string {
  return (text) => (token.length >= SHORTEST_SECRET ? text.replaceAll(token, "***") : text);
}

/** What was caught on the way, as an error of this package. */
export function asError(cause: unknown, signal?: AbortSignal): SDKError {
  if (signal?.aborted) return signal.reason;
  if (cause instanceof SDKError) return cause;
  return new UnexpectedClientError("The request failed unexpectedly", { cause });
}

/** What was caught in an attempt, as an error of this package that tells about the attempt. */
export function attemptError(cause: unknown, attempt: Attempt): SDKError {
  const { deadline, request, number = 0, reached } = attempt;
  const error = asError(cause, deadline.signal);
  error.attempts = number;
  error.idempotencyKey = request.headers["idempotency-key"];
  const requestId = reached?.status === "complete" && reached.response.headers.get("x-request-id");
  if (requestId && !error.requestId) identify(error, redacting(attempt)(requestId));
  return error;
}

/** What fetch, or a fetcher in its place, rejects with, as an error of this package. */
export function fetchError(cause: unknown, url: URL, init: RequestInit): SDKError {
  const { name, code, cause: inner } = Object(cause);
  const isOfPlatform = name === "TypeError" || typeof (code ?? inner?.code) === "string";
  if (cause instanceof SDKError || !isOfPlatform) return asError(cause);
  // fetch rejects with a TypeError for options that it does not take, too. Only then is there no request.
  try {
    new Request(url, init);
  } catch {
    return new InvalidRequestError("fetch does not take these fetchOptions", { cause });
  }
  return new ConnectionError("No connection to the server", { cause });
}

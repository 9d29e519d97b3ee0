import { APIError } from "../models/errors/apierror.ts";
import { ConnectionError } from "../models/errors/connectionerror.ts";
import { InvalidRequestError } from "../models/errors/invalidrequesterror.ts";
import { identify, SDKError } from "../models/errors/sdkerror.ts";
import { UnexpectedClientError } from "../models/errors/unexpectedclienterror.ts";
import type { APICall } from "../types/async.ts";
import { cancel, readErrorBody } from "./body.ts";
import type { ClientSDK, RequestOptions } from "./client.ts";
import { parseURL } from "./config.ts";
import type { Deadline } from "./deadline.ts";
import type { PreparedRequest } from "./request.ts";
import { withoutTimeouts } from "./undici-timeouts.ts";

const MAX_REDIRECTS = 20;
const DEAD_END = "A redirect that cannot be followed";

/** One attempt as it goes: what it may use, and how far it came. */
export interface Attempt {
  readonly client: ClientSDK;
  readonly options: RequestOptions;
  readonly request: PreparedRequest;
  readonly deadline: Deadline;
  /** From 1, once there is something to send. */
  number?: number;
  /** The API key, where there is one. */
  token?: string | undefined;
  /** How far it came, once something was sent. */
  reached?: APICall;
  /** Lets go of the deadlines; for streams, which outlive the call. */
  close(): void;
}

/**
 * Sends a request and follows the redirects that keep its method. Resolves to an answer with a 2xx status.
 * @throws APIError for every other status, ConnectionError when there is no answer
 */
export async function send(attempt: Attempt): Promise<Response> {
  const { client, request, options, token } = attempt;
  const { signal } = attempt.deadline;
  const { debugLogger, httpClient } = client._options;
  const { method, body } = request;
  const headers = { ...request.headers };
  let { url } = request;
  if (token && url.origin === request.origin) headers.authorization ??= `Bearer ${token}`;

  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const init = {
      redirect: "manual" as const,
      ...withoutTimeouts(),
      ...options.fetchOptions,
      method,
      headers,
      body,
      signal,
    };
    const exchange = new Exchange({ url, method, headers, body });
    debugLogger?.log(`> ${method} ${url.origin}${url.pathname}`);
    attempt.reached = exchange as APICall; // its status and its response agree, which its type cannot say
    const response = await (httpClient ? httpClient._fetch(url, init) : fetch(url, init)).catch((cause: unknown) => {
      throw fetchError(cause, url, init);
    });
    // The call may have ended meanwhile, and the fetcher not listen to its signal.
    if (signal.aborted) cancel(response.body);
    const line = `< ${response.status} ${response.headers.get("x-request-id") ?? ""}`;
    exchange.status = "complete";
    exchange.response = response;
    debugLogger?.log(line);
    if (response.ok) return response;
    // A platform that hides where a redirect leads says 0.
    if (!response.status) throw new ConnectionError(DEAD_END);
    const text = await readErrorBody(response, attempt);
    const next = redirectTarget(response, url, method);
    if (!next) throw refusal(response.status < 400 ? DEAD_END : "API error occurred", response, text, attempt);
    if (next.origin !== url.origin) {
      delete headers.authorization;
      delete headers.cookie;
    }
    url = next;
  }
  throw new ConnectionError(`More than ${MAX_REDIRECTS} redirects`);
}

/** How far a call came. The `request` is made only when somebody looks at it, and its key is masked. */
class Exchange {
  status: APICall["status"] = "request-error";
  response: Response | undefined;
  // Private to the language, since the key is in it.
  readonly #sent: Sent;

  constructor(sent: Sent) {
    this.#sent = sent;
  }

  get request(): Request {
    const { url, method, headers, body } = this.#sent;
    const masked = headers.authorization ? { ...headers, authorization: "Bearer ***" } : headers;
    return new Request(url, { method, headers: masked, body });
  }
}

type Sent = Omit<PreparedRequest, "origin">;

/** Where the same request is to be sent again, if the answer says so and the method and the encryption stay. */
function redirectTarget({ status, headers }: Response, from: URL, method: string): URL | null {
  const location = headers.get("location");
  const isKept = /^30([78]|[123] GET)/.test(`${status} ${method}`);
  const to = isKept && location ? parseURL(location, from) : null;
  return from.protocol === "https:" && to?.protocol !== "https:" ? null : to;
}

/** The error for an answer, without the key where the server repeats it. */
export function refusal(message: string, response: Response, body: string, attempt: Attempt): APIError {
  return new APIError(message, response, body, redacting(attempt), attempt.client._clock.now());
}

/** Takes the key of an attempt out of a text of the server. */
function redacting({ token = "" }: Attempt): (text: string) => string {
  // A shorter key is the placeholder of a server that wants none, and its letters are in many a word.
  return (text) => (token.length >= 8 ? text.replaceAll(token, "***") : text);
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

/** What was caught on the way, as an error of this package. */
export function asError(cause: unknown, signal?: AbortSignal): SDKError {
  if (signal?.aborted) return signal.reason;
  if (cause instanceof SDKError) return cause;
  return new UnexpectedClientError("The request failed unexpectedly", { cause });
}

/** What fetch, or a fetcher in its place, rejects with, as an error of this package. */
function fetchError(cause: unknown, url: URL, init: RequestInit): SDKError {
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

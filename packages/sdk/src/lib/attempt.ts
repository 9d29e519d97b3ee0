import { APIError } from "../models/errors/apierror.ts";
import { ConnectionError } from "../models/errors/connectionerror.ts";
import { isRecord } from "../models/errors/envelope.ts";
import { SDKError } from "../models/errors/sdkerror.ts";
import { UnexpectedClientError } from "../models/errors/unexpectedclienterror.ts";
import type { APICall } from "../types/async.ts";
import { cancel, readErrorBody } from "./body.ts";
import { parseURL } from "./config.ts";
import type { Deadline } from "./deadline.ts";
import { patience } from "./patience.ts";
import type { PreparedRequest } from "./request.ts";
import type { ClientSDK, RequestOptions } from "./sdks.ts";

const MAX_REDIRECTS = 20;

/** One attempt as it goes: what it may use, and how far it came. */
export interface Attempt {
  readonly client: ClientSDK;
  readonly request: PreparedRequest;
  readonly options: RequestOptions;
  readonly deadline: Deadline;
  readonly maxBytes: number;
  /** From 1. */
  readonly number: number;
  /** Told how far the call came. */
  trace(call: APICall): void;
  /** Takes the key out of a text from the server. */
  redact(text: string): string;
  /** Lets go of the deadlines; for streams, which outlive the call. */
  close(): void;
}

/**
 * Sends a request and follows the redirects that keep its method. Resolves to an answer with a 2xx status.
 * @throws APIError for every other status, ConnectionError when there is no answer
 */
export async function send(attempt: Attempt, authorization: string | undefined): Promise<Response> {
  const { client, request, options, deadline } = attempt;
  const { method, body, origin } = request;
  const headers = { ...request.headers };
  let { url } = request;
  if (authorization && url.origin === origin) headers.authorization ??= authorization;
  const logger = client._options.debugLogger;

  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const init = {
      redirect: "manual" as const,
      ...options.fetchOptions,
      method,
      headers,
      body: body ?? null,
      signal: deadline.signal,
    };
    attempt.trace(exchange(url, init));
    logger?.log(`> ${method} ${url.origin}${url.pathname}`);
    const sent = fetchOnce(client, url, init);
    const response = await deadline.race(sent).catch((cause: unknown) => {
      // A fetcher that does not listen to the signal may still answer, to nobody.
      sent.then((late) => cancel(late.body)).catch(() => {});
      deadline.signal.throwIfAborted();
      throw isNetworkError(cause) ? new ConnectionError("No connection to the server", { cause }) : cause;
    });
    logger?.log(`< ${response.status} ${response.headers.get("x-request-id") ?? ""}`);
    attempt.trace(exchange(url, init, response));
    if (response.ok) return response;
    if (response.type === "opaqueredirect") {
      throw new ConnectionError("A redirect, and this platform hides where to");
    }
    const next = redirectTarget(response, url, method);
    const text = attempt.redact(await readErrorBody(response, deadline));
    deadline.signal.throwIfAborted();
    if (!next) {
      const isRedirect = response.status < 400;
      throw new APIError(isRedirect ? "A redirect that cannot be followed" : "API error occurred", response, text);
    }
    if (next.origin !== url.origin) {
      delete headers.authorization;
      delete headers.cookie;
    }
    url = next;
  }
  throw new ConnectionError(`More than ${MAX_REDIRECTS} redirects`);
}

function fetchOnce({ _httpClient: httpClient }: ClientSDK, url: URL, init: RequestInit): Promise<Response> {
  const patient = { ...patience(), ...init };
  if (!httpClient) return fetch(url, patient);
  // What a Request can carry, the hooks see; the rest, the signal above all, goes beside it.
  const { body: _body, headers: _headers, method: _method, ...rest } = patient;
  return httpClient.request(new Request(url, init), rest);
}

type Sent = RequestInit & { method: string; headers: Record<string, string>; body: BodyInit | null };

/** Where the same request is to be sent again, if the answer says so and the method and the encryption stay. */
function redirectTarget(response: Response, from: URL, method: string): URL | null {
  const location = response.headers.get("location");
  const isRedirect = (method === "GET" ? /^30[12378]$/ : /^30[78]$/).test(String(response.status));
  const to = isRedirect && location ? parseURL(location, from) : null;
  return to && (to.protocol === "https:" || to.protocol === from.protocol) ? to : null;
}

/** What was caught on the way, as an error of this package. */
export function asSDKError(cause: unknown, deadline: Deadline | undefined): SDKError {
  if (deadline?.signal.aborted) return deadline.signal.reason;
  if (cause instanceof SDKError) return cause;
  return new UnexpectedClientError("The request failed unexpectedly", { cause });
}

/** What fetch rejects with when there is no connection: anywhere else a TypeError is a mistake, and no reason to try again. */
function isNetworkError(cause: unknown): boolean {
  if (!isRecord(cause) || cause instanceof SDKError) return false;
  const code = cause.code ?? (isRecord(cause.cause) && cause.cause.code);
  return cause.name === "TypeError" || typeof code === "string";
}

/** How far a call came. The `request` is made only when somebody looks at it, and its key is masked. */
class Exchange {
  readonly status: APICall["status"];
  readonly response: Response | undefined;
  // Private to the language, since the key is in it.
  readonly #sent: Sent;
  readonly #url: URL;

  constructor(url: URL, sent: Sent, response?: Response) {
    this.status = response ? "complete" : "request-error";
    this.response = response;
    this.#sent = sent;
    this.#url = url;
  }

  get request(): Request {
    const { method, headers, body } = this.#sent;
    const masked = headers.authorization ? { ...headers, authorization: "Bearer ***" } : headers;
    return new Request(this.#url, { method, headers: masked, body });
  }
}

function exchange(url: URL, sent: Sent, response?: Response): APICall {
  // Its status and its response agree, which the type of a class cannot say.
  return new Exchange(url, sent, response) as APICall;
}

import { ConnectionError } from "../models/errors/connectionerror.ts";
import type { APICall } from "../types/async.ts";
import { fetchError, refusal } from "./attempt-error.ts";
import { cancel, readErrorBody } from "./body.ts";
import type { ClientSDK, RequestOptions } from "./client.ts";
import type { Deadline } from "./deadline.ts";
import { exchangeOf } from "./exchange.ts";
import { redirectTarget } from "./redirect.ts";
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
  let headers: PreparedRequest["headers"] = { ...request.headers };
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
    const sent = { url, method, headers, body };
    debugLogger?.log(`> ${method} ${url.origin}${url.pathname}`);
    attempt.reached = exchangeOf(sent);
    const response = await (httpClient ? httpClient._fetch(url, init) : fetch(url, init)).catch((cause: unknown) => {
      throw fetchError(cause, url, init);
    });
    // The call may have ended meanwhile, and the fetcher not listen to its signal.
    if (signal.aborted) cancel(response.body);
    const line = `< ${response.status} ${response.headers.get("x-request-id") ?? ""}`;
    attempt.reached = exchangeOf(sent, response);
    debugLogger?.log(line);
    if (response.ok) return response;
    // A platform that hides where a redirect leads says 0.
    if (!response.status) throw new ConnectionError(DEAD_END);
    const text = await readErrorBody(response, attempt);
    const next = redirectTarget(response, url, method);
    if (!next) throw refusal(response.status < 400 ? DEAD_END : "API error occurred", response, text, attempt);
    if (next.origin !== url.origin) headers = withoutSecrets(headers);
    url = next;
  }
  throw new ConnectionError(`More than ${MAX_REDIRECTS} redirects`);
}

function withoutSecrets({ authorization: _, cookie: __, ...headers }: PreparedRequest["headers"]): typeof headers {
  return headers;
}

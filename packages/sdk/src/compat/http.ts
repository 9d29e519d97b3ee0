export {
  type Awaitable,
  type BeforeRequestHook,
  type Fetcher,
  HTTPClient,
  type HTTPClientOptions,
  type RequestErrorHook,
  type RequestInput,
  type ResponseHook,
} from "../lib/http.ts";

import { isStatus } from "../lib/retries.ts";

/** A status, such as 429 or "5XX", or several. */
export type StatusCodePredicate = number | string | (number | string)[];

export function matchStatusCode({ status }: Response, codes: StatusCodePredicate): boolean {
  return [codes].flat().some((code) => isStatus(status, code));
}

/** True when the answer has this media type: `*`, `image/*`, or one in full. With parameters in `pattern`, those too. */
export function matchContentType(response: Response, pattern: string): boolean {
  const [wanted = "", ...parameters] = parts(pattern);
  const [type = "", ...given] = parts(response.headers.get("content-type") || "application/octet-stream");
  const [group] = type.split("/");
  const isType = ["*", "*/*", type, `${group}/*`].includes(wanted);
  return isType && parameters.every((parameter) => given.includes(parameter));
}

export function matchResponse(response: Response, code: StatusCodePredicate, contentTypePattern: string): boolean {
  return matchStatusCode(response, code) && matchContentType(response, contentTypePattern);
}

/** True for what `fetch` rejects with when there is no connection, or it is lost. */
export function isConnectionError(error: unknown): boolean {
  const { name, message, code, cause } = Object(error);
  const isOfFetch = name === "TypeError" && /fetch|network|load failed/i.test(String(message));
  return isOfFetch || [code, Object(cause).code].some((one) => /^(ECONN|ENOTFOUND$|EPIPE$|UND_ERR_SOCKET$)/.test(one));
}

/** True for what `fetch` rejects with when its deadline passes. */
export function isTimeoutError(error: unknown): boolean {
  const { name, code } = Object(error);
  return name === "TimeoutError" || code === 23 || /^(ETIMEDOUT|UND_ERR_\w+_TIMEOUT)$/.test(code);
}

/** True for what `fetch` rejects with when its signal is aborted. */
export function isAbortError(error: unknown): boolean {
  const { name, code } = Object(error);
  return name === "AbortError" || code === 20 || code === "UND_ERR_ABORTED";
}

function parts(mediaType: string): string[] {
  return mediaType.toLowerCase().split(/\s*;\s*/);
}

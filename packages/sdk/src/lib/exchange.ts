import type { APICall } from "../types/async.ts";
import type { PreparedRequest } from "./request.ts";

type Sent = Omit<PreparedRequest, "origin">;

/** How far a call came. Its `request` is made only when somebody looks at it. */
export function exchangeOf(sent: Sent, response?: Response): APICall {
  if (!response) {
    return {
      status: "request-error",
      get request() {
        return withMaskedKey(sent);
      },
    };
  }
  return {
    status: "complete",
    response,
    get request() {
      return withMaskedKey(sent);
    },
  };
}

function withMaskedKey({ url, method, headers, body }: Sent): Request {
  const masked = headers.authorization ? { ...headers, authorization: "Bearer ***" } : headers;
  return new Request(url, { method, headers: masked, body });
}

import type { APICall } from "../types/async.ts";
import type { PreparedRequest } from "./request.ts";

type Sent = Omit<PreparedRequest, "origin">;

/** How far a call came. Its `request` is made only when somebody looks at it. */
export function exchangeOf(sent: Sent, response?: Response): APICall {
  return new Exchange(sent, response) as APICall; // its status and its response agree, which a class cannot say
}

// A class, since two objects with accessors of their own for each request take longer to make (bench/sdk/own-cost.mjs).
class Exchange {
  readonly status: APICall["status"];
  readonly response: Response | undefined;
  // Private to the language, since the key is in it.
  readonly #sent: Sent;

  constructor(sent: Sent, response: Response | undefined) {
    this.status = response ? "complete" : "request-error";
    this.response = response;
    this.#sent = sent;
  }

  /** With the key masked. */
  get request(): Request {
    const { url, method, headers, body } = this.#sent;
    const masked = headers.authorization ? { ...headers, authorization: "Bearer ***" } : headers;
    return new Request(url, { method, headers: masked, body });
  }
}

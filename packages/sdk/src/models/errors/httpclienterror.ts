import { brand, SDKError } from "./sdkerror.ts";

/** The base of the errors that are not an answer of the server. `cause` is what was caught. */
export class HTTPClientError extends SDKError {
  static {
    brand(this, "HTTPClientError");
  }
}

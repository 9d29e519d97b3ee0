import { HTTPClientError } from "./httpclienterror.ts";
import { brand } from "./sdkerror.ts";

/** The caller's `AbortSignal` was aborted. `cause` is its reason. */
export class RequestAbortedError extends HTTPClientError {
  static {
    brand(this, "RequestAbortedError");
  }
}

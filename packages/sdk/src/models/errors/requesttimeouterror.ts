import { HTTPClientError } from "./httpclienterror.ts";
import { brand } from "./sdkerror.ts";

/** `timeoutMs`, `attemptTimeoutMs` or the idle timeout of a stream passed. `cause` is the last refusal, if the call was between two attempts. */
export class RequestTimeoutError extends HTTPClientError {
  static {
    brand(this, "RequestTimeoutError");
  }
}

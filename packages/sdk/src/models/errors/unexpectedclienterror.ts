import { HTTPClientError } from "./httpclienterror.ts";
import { brand } from "./sdkerror.ts";

/** Something else went wrong on this side: a hook, `bearerAuth()`, `fetcher` or `debugLogger` threw, or the answer was larger than `maxResponseBytes`. */
export class UnexpectedClientError extends HTTPClientError {
  static {
    brand(this, "UnexpectedClientError");
  }
}

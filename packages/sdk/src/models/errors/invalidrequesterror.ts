import { HTTPClientError } from "./httpclienterror.ts";
import { brand } from "./sdkerror.ts";

/** The request cannot be sent as it is: a bad URL, key, header or option of fetch. Nothing was sent. */
export class InvalidRequestError extends HTTPClientError {
  static {
    brand(this, "InvalidRequestError");
  }
}

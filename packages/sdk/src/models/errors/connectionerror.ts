import { HTTPClientError } from "./httpclienterror.ts";
import { brand } from "./sdkerror.ts";

/** The server could not be reached, or the connection was lost before the whole answer was here. */
export class ConnectionError extends HTTPClientError {
  static {
    brand(this, "ConnectionError");
  }
}

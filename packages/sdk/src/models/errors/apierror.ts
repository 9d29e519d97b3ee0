import { systemClock } from "../../lib/clock.ts";
import { parseRetryAfterMs } from "../../lib/retry-after.ts";
import { readEnvelope } from "./envelope.ts";
import { bounded, brand, identify, SDKError } from "./sdkerror.ts";

/** What of a body is kept, characters. */
const BODY_LENGTH = 65_536;
/** Base64 too long to be a word or an id. */
const PICTURE = /[\w+/=-]{150,}/g;

/** The server answered, and its answer is not the one that was asked for. */
export class APIError extends SDKError {
  /** HTTP status. 200 where a server sent an error envelope with it. */
  declare readonly statusCode: number;
  declare readonly contentType: string;
  /** Machine-readable cause, such as `rate_limit_exceeded`. */
  declare readonly code: string | undefined;
  declare readonly type: string | undefined;
  /** The field of the request that the error is about. */
  declare readonly param: string | undefined;
  /** How long the server asks to wait, ms. */
  declare readonly retryAfterMs: number | undefined;
  // Private to the language, so that nothing prints them.
  readonly #rawResponse: Response;
  readonly #body: string;

  static {
    brand(this, "APIError");
  }

  /**
   * @param text the body
   * @param redact takes the key out of a text of the server
   * @param now ms since the epoch, for a `Retry-After` that is a date
   */
  constructor(
    message: string,
    rawResponse: Response,
    text = "",
    redact: (text: string) => string = String,
    now = systemClock.now(),
  ) {
    const body = redact(text).slice(0, BODY_LENGTH);
    const { message: said, ...envelope } = readEnvelope(body);
    const { status: statusCode, statusText, headers } = rawResponse;
    const status = ["Status", statusCode, envelope.code].filter(Boolean).join(" ");
    super(
      [message, status, bounded((said || redact(statusText)).replace(PICTURE, "…"), 500)].filter(Boolean).join(": "),
    );
    this.#rawResponse = rawResponse;
    this.#body = body;
    const requestId = redact(headers.get("x-request-id") ?? "");
    if (requestId) identify(this, requestId);
    Object.assign(this, envelope, {
      statusCode,
      contentType: redact(headers.get("content-type") ?? ""),
      retryAfterMs: parseRetryAfterMs(headers, now),
    });
  }

  /** The answer; its body is already read. */
  get rawResponse(): Response {
    return this.#rawResponse;
  }

  get headers(): Headers {
    return this.#rawResponse.headers;
  }

  /** The first 65,536 characters of the body. */
  get body(): string {
    return this.#body;
  }
}

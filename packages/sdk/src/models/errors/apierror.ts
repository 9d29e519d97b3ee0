import { parseRetryAfterMs } from "../../lib/retry-after.ts";
import { type Envelope, readEnvelope } from "./envelope.ts";
import { bounded, brand, hide, SDKError } from "./sdkerror.ts";

/** The server answered, and its answer is not the one that was asked for. */
export class APIError extends SDKError {
  /** HTTP status. 200 where a server sent an error envelope with it. */
  readonly statusCode: number;
  readonly contentType: string;
  /** Machine-readable cause, such as `rate_limit_exceeded`. */
  readonly code: string | undefined;
  readonly type: string | undefined;
  /** The field of the request that the error is about. */
  readonly param: string | undefined;
  /** `x-request-id`: quote it to whoever runs the server. */
  readonly requestId: string | undefined;
  /** How long the server asks to wait, ms. */
  readonly retryAfterMs: number | undefined;
  /** The first 65,536 characters of the body. */
  declare readonly body: string;
  /** The answer; its body is already read. */
  declare readonly rawResponse: Response;

  static {
    brand(APIError, "APIError");
  }

  constructor(message: string, rawResponse: Response, body = "") {
    const envelope: Envelope = readEnvelope(body);
    const { status, headers } = rawResponse;
    const said = envelope.message || rawResponse.statusText;
    super(
      `${message}: Status ${status}${envelope.code ? ` ${envelope.code}` : ""}${said ? `: ${bounded(said, 500)}` : ""}`,
    );
    this.statusCode = status;
    this.contentType = headers.get("content-type") ?? "";
    this.code = envelope.code;
    this.type = envelope.type;
    this.param = envelope.param;
    this.requestId = headers.get("x-request-id") ?? undefined;
    this.retryAfterMs = parseRetryAfterMs(headers, Date.now());
    hide<{ body?: string; rawResponse?: Response }>(this, { body, rawResponse });
  }

  get headers(): Headers {
    return this.rawResponse.headers;
  }
}

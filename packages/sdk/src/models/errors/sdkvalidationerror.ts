import { bounded, brand, hide, SDKError } from "./sdkerror.ts";

/**
 * A request that cannot be right (nothing was sent), or an answer that is not what the API promises.
 * `rawValue` is the request, or the answer as parsed, or its text where it did not parse.
 */
export class SDKValidationError extends SDKError {
  /** Without the "Input validation failed" or "Response validation failed" before it. */
  readonly rawMessage: string;
  // Not enumerable: it may hold a picture.
  declare readonly rawValue: unknown;

  static {
    brand(SDKValidationError, "SDKValidationError");
  }

  constructor(where: "Input" | "Response", rawMessage: string, rawValue: unknown, cause?: unknown) {
    super(`${where} validation failed: ${bounded(rawMessage, 500)}`, cause === undefined ? undefined : { cause });
    this.rawMessage = bounded(rawMessage, 500);
    hide(this, { rawValue });
  }

  /** The message with an excerpt of the value, at most about 1,000 characters. */
  pretty(): string {
    let text: string;
    try {
      text = JSON.stringify(this.rawValue, (_key, value) => (typeof value === "string" ? bounded(value, 80) : value));
    } catch {
      text = String(this.rawValue); // circular, or a BigInt
    }
    return `${this.message}\n${bounded(String(text), 500)}`;
  }
}

import { bounded, brand, SDKError } from "./sdkerror.ts";

/**
 * A request that cannot be right (nothing was sent), or an answer that is not what the API promises.
 * `rawValue` is the request, or the answer as parsed, or its text where it did not parse.
 */
export class SDKValidationError extends SDKError {
  /** Without the "Input validation failed" or "Response validation failed" before it. */
  readonly rawMessage: string;
  // Private to the language, so that nothing prints it: it may hold a picture.
  readonly #rawValue: unknown;

  static {
    brand(this, "SDKValidationError");
  }

  constructor(where: "Input" | "Response", message: string, rawValue: unknown, options?: ErrorOptions) {
    const rawMessage = bounded(message, 500);
    super(`${where} validation failed: ${rawMessage}`, options);
    this.rawMessage = rawMessage;
    this.#rawValue = rawValue;
  }

  get rawValue(): unknown {
    return this.#rawValue;
  }

  /** The message with an excerpt of the value, at most about 1,000 characters. */
  pretty(): string {
    let text: unknown = this.#rawValue;
    try {
      text = JSON.stringify(text, (_key, value) => (typeof value === "string" ? bounded(value, 80) : value));
    } catch {} // circular, or a BigInt
    return `${this.message}\n${bounded(String(text), 500)}`;
  }
}

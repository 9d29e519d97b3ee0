const BRAND: unique symbol = Symbol.for("atoma-sdk.error");

/**
 * The base of every error of this package. `instanceof` also recognises errors that come from another
 * copy of the package (ESM beside CommonJS, or two versions in one tree).
 */
export abstract class SDKError extends Error {
  /** Requests that were sent for the call, redirects not counted. 0: refused before the network. */
  attempts = 0;
  /** Sent with every attempt. Repeat the call with it to fetch a picture that may already be paid for. */
  idempotencyKey: string | undefined;
  /** `x-request-id` of the answer, where one came: quote it to whoever runs the server. */
  declare requestId?: string | undefined;

  static {
    brand(this, "SDKError");
  }

  /** @internal */
  static override [Symbol.hasInstance](value: unknown): boolean {
    const { prototype } = this; // of the class on the right of instanceof
    // A class derived by the user has no brand of its own: the usual rule holds for it.
    if (!Object.hasOwn(prototype, BRAND)) return super[Symbol.hasInstance](value);
    return brandOf(value).startsWith(brandOf(prototype));
  }
}

/** The names of the classes from SDKError down, such as `SDKError/APIError/`; "" for anything else. */
function brandOf(value: unknown): string {
  return String((value as { [BRAND]?: string } | undefined)?.[BRAND] ?? ""); // whatever it is, it may have the brand
}

/**
 * Gives an error class its `name` and the brand by which other copies of the package know it. A class gives itself as `this`:
 * one that names itself in its own body gets another name, such as `_APIError`, from bundlers, and shows it in stacks.
 */
export function brand({ prototype }: { prototype: Error }, name: string): void {
  Object.assign(prototype, { name, [BRAND]: `${brandOf(prototype)}${name}/` });
}

/** Says in an error's message, and so in its stack, which request it is about. */
export function identify(error: SDKError, requestId: string): void {
  const { message } = error;
  const told = `${message} (request ${bounded(requestId, 100)})`;
  Object.assign(error, { requestId, message: told, stack: error.stack?.replace(message, () => told) });
}

/** Cuts a text to `limit` characters and says so. */
export function bounded(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit)}… (${text.length} characters)` : text;
}

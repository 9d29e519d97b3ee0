import { InvalidRequestError } from "../models/errors/invalidrequesterror.ts";

type HeadersLike = NonNullable<RequestInit["headers"]>;

/** Headers about the connection, which are fetch's own. With a wrong one a request fails late, or never ends. */
const OWNED_BY_FETCH = ["content-length", "expect", "keep-alive", "transfer-encoding", "upgrade"];
// Headers lets all but NUL, CR and LF through, but no HTTP/1.1 client sends control characters other than the tab.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL_CHARACTERS = /[\x00-\x08\x0a-\x1f\x7f]/;

/**
 * Headers in any of the forms that fetch takes, with lower-case names. Those without a value are left out.
 * @throws InvalidRequestError for one that cannot be sent
 */
export function readHeaders(given: HeadersLike): Record<string, string> {
  const headers = new Headers();
  for (const [name, value] of Symbol.iterator in given ? given : Object.entries(given)) {
    if (value == null) continue;
    try {
      headers.append(name, value);
    } catch {
      throw unsendable(name); // without the platform's own error: it repeats the value, which may be a key
    }
  }
  checkHeaders(headers);
  return Object.fromEntries(headers);
}

/** @throws InvalidRequestError for a header that fetch cannot send, or that would leave the call without an end */
export function checkHeaders(headers: Headers): void {
  headers.forEach((value, name) => {
    const isForeign = name === "connection" && !/^(close|keep-alive)$/i.test(value);
    if (OWNED_BY_FETCH.includes(name) || isForeign || CONTROL_CHARACTERS.test(value)) throw unsendable(name);
  });
}

function unsendable(name: string): InvalidRequestError {
  return new InvalidRequestError(`The header ${name} cannot be sent, or not with this value`);
}

import type { IncomingMessage } from "node:http";
import { errors } from "@atoma/contract";
import { countHeader } from "./count-header.ts";

const BEARER = /^bearer +([\x21-\x7e]+)$/i;
const KEY = /^[\x21-\x7e]+$/;

/** What is wrong with an `Authorization` header that holds no key; nothing of it is shown, as it may be a key itself. */
function faultOf(authorization: string): string {
  if (/^bearer *$/i.test(authorization)) return "has the scheme Bearer, but no key after it";
  if (/^bearer /i.test(authorization)) return "has characters after the scheme Bearer that no key has";
  if (/^bearer[^a-z0-9]/i.test(authorization)) {
    return "has something other than blanks between the scheme Bearer and the key";
  }
  return "does not begin with the scheme Bearer";
}

/** A header that holds one key. Throws ApiError 401 where it stands twice. */
function single(
  request: Pick<IncomingMessage, "headers" | "rawHeaders">,
  name: string,
  shownName: string,
): string | undefined {
  const value = request.headers[name];
  if (value === undefined || value === "") return undefined;
  if (countHeader(request, name) > 1) throw errors.malformedKey(shownName, "is there more than once");
  return String(value);
}

/**
 * The one key of a request: after `Authorization: Bearer`, or where there is no such header in `api-key`, which clients of
 * Azure's form send. Throws ApiError 401.
 */
export function readKey(request: Pick<IncomingMessage, "headers" | "rawHeaders">): string {
  const authorization = single(request, "authorization", "Authorization");
  if (authorization !== undefined) {
    const key = BEARER.exec(authorization)?.[1];
    if (key === undefined) throw errors.malformedKey("Authorization", faultOf(authorization));
    return key;
  }
  const key = single(request, "api-key", "api-key");
  if (key === undefined) throw errors.missingKey();
  if (!KEY.test(key)) throw errors.malformedKey("api-key", "has characters that no key has");
  return key;
}

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { errors } from "@atoma/contract";
import { masked, readKey } from "@atoma/http";

const digest = (text: string) => createHash("sha256").update(text).digest();

/** Checks a request's key against the node's token, in a time that does not depend on either. Throws ApiError 401. */
export function authenticator(token: string): (request: IncomingMessage) => void {
  const expected = digest(token);
  return (request) => {
    const given = readKey(request);
    if (!timingSafeEqual(digest(given), expected)) throw errors.invalidKey(masked(given));
  };
}

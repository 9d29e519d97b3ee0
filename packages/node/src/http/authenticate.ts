import { createHash, timingSafeEqual } from "node:crypto";
import { errors } from "@atoma/contract";
import { masked } from "@atoma/http";

const digest = (text: string) => createHash("sha256").update(text).digest();

/**
 * Checks an `Authorization` header against the node's token, in a time that does not depend on either. Throws ApiError 401.
 */
export function authenticator(token: string): (authorization: string | undefined) => void {
  const expected = digest(token);
  return (authorization) => {
    if (authorization === undefined) throw errors.missingKey();
    const given = /^bearer ([!-~]+)$/i.exec(authorization)?.[1];
    if (given === undefined) throw errors.missingKey();
    if (!timingSafeEqual(digest(given), expected)) throw errors.invalidKey(masked(given));
  };
}

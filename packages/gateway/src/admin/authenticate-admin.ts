import { createHash, timingSafeEqual } from "node:crypto";
import { errors } from "@atoma/contract";
import type { FastifyRequest } from "fastify";

const digest = (text: string) => createHash("sha256").update(text).digest();

/** Lets only the admin key through, compared in constant time. Throws ApiError 401. */
export function adminGate(adminKey: string): (request: FastifyRequest) => void {
  const expected = digest(adminKey);
  return ({ headers }) => {
    const given = /^bearer ([\x21-\x7e]+)$/i.exec(headers.authorization ?? "")?.[1];
    if (given === undefined) throw errors.missingKey();
    if (!timingSafeEqual(digest(given), expected)) throw errors.invalidKey("***");
  };
}

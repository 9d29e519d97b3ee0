import { createHash, timingSafeEqual } from "node:crypto";
import { errors } from "@atoma/contract";
import { readKey } from "@atoma/http";
import type { FastifyRequest } from "fastify";

const digest = (text: string) => createHash("sha256").update(text).digest();

/** Lets only the admin key through, compared in constant time. Throws ApiError 401. */
export function adminGate(adminKey: string): (request: FastifyRequest) => void {
  const expected = digest(adminKey);
  return ({ raw }) => {
    if (!timingSafeEqual(digest(readKey(raw)), expected)) throw errors.invalidKey("***");
  };
}

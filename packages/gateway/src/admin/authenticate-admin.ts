import { createHash, timingSafeEqual } from "node:crypto";
import { errors } from "@atoma/contract";
import { readKey } from "@atoma/http";
import type { FastifyRequest } from "fastify";

const digest = (text: string) => createHash("sha256").update(text).digest();

/** Compares in constant time. */
export const isAdminKey = (given: string, adminKey: string): boolean =>
  timingSafeEqual(digest(given), digest(adminKey));

/** Whether a request without a key may pass all the same. */
export type SessionStands = (request: FastifyRequest) => Promise<boolean>;

/** Lets the admin key through, and a session of the dashboard where the request has no key. Throws ApiError 401. */
export function adminGate(adminKey: string, stands: SessionStands | undefined) {
  return async (request: FastifyRequest): Promise<void> => {
    const { authorization, "api-key": apiKey, cookie } = request.headers;
    const bare = authorization === undefined && apiKey === undefined && cookie !== undefined;
    if (bare && (await stands?.(request))) return;
    if (!isAdminKey(readKey(request.raw), adminKey)) throw errors.invalidKey("***");
  };
}

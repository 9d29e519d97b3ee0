import { errors } from "@atoma/contract";
import type { FastifyInstance } from "fastify";
import type { Context } from "../context.ts";

/** `GET /v1/account`: what is left, and what the key may do. A key sees its own account and itself only. */
export function accountRoute(app: FastifyInstance, { identify, ledger }: Context): void {
  app.get("/v1/account", async (request) => {
    const key = await identify(request.raw);
    const account = await ledger.getAccount(key.accountId);
    if (!account) throw errors.invalidKey("***"); // a key cannot outlive its account
    return {
      id: account.id,
      object: "account",
      available: account.available,
      pending: account.pending,
      posted: account.posted,
      key: {
        id: key.id,
        name: key.name,
        last_four: key.lastFour,
        expires_at: key.expiresAt,
        allowed_models: key.allowedModels,
        requests_per_minute: key.limits.requestsPerMinute,
        images_per_minute: key.limits.imagesPerMinute,
        concurrent_requests: key.limits.concurrentRequests,
      },
    };
  });
}

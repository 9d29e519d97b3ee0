import type { IncomingMessage } from "node:http";
import { errors } from "@atoma/contract";
import type { Context } from "../context.ts";
import type { Caller } from "./identify.ts";

/**
 * Step 1. Knows afterwards who asks, and that the key is not known to be over its limit. Throws ApiError 401, 429, or 503 from a
 * ledger that is away and while the gateway is about to stop.
 */
export async function authenticate(
  request: IncomingMessage,
  { identify, refusedKeys, underWay, draining }: Pick<Context, "identify" | "refusedKeys" | "underWay" | "draining">,
): Promise<Caller> {
  const caller = await identify(request);
  if (draining()) throw errors.shuttingDown();
  // A replay costs nothing, so a request that may be one is the ledger's to judge.
  if (request.headers["idempotency-key"] === undefined) {
    refusedKeys.check(caller);
    underWay.check(caller);
  }
  return caller;
}

import type { Followed } from "../activity/live-requests.ts";
import type { Context } from "../context.ts";
import type { Caller } from "./identify.ts";
import type { Order } from "./validate.ts";

/** Follows one request that holds its units. */
export function follow(
  { job, units }: Pick<Order, "job" | "units">,
  { accountId, id: keyId }: Caller,
  id: string,
  { liveRequests, clock }: Pick<Context, "liveRequests" | "clock">,
): Followed {
  return liveRequests.follow({ id, accountId, keyId, job, units, startedAt: clock.now() });
}

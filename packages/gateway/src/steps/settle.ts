import { errors } from "@atoma/contract";
import type { HoldId, Ledger } from "@atoma/ledger";

/**
 * Step 6. Charges the hold, before the answer's first byte leaves. `response` is what a replay of the idempotency key
 * is answered from. Throws ApiError 504 when the hold has expired meanwhile: the picture is then neither charged nor sent.
 */
export async function settle(ledger: Ledger, holdId: HoldId, units: number, response: string): Promise<void> {
  const result = await ledger.settle({ holdId, units, response });
  if (result.outcome === "expired") throw errors.generationTimeout();
  if (result.outcome !== "posted") throw errors.internal(new Error(`hold ${holdId} is ${result.outcome}`));
}

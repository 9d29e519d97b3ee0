import { errors } from "@atoma/contract";
import type { HoldId, Ledger } from "@atoma/ledger";
import { type Patience, retryLedger } from "../holds/retry-ledger.ts";

/**
 * Step 6. Charges the hold, before the answer's first byte leaves. `response` is what a replay of the idempotency key
 * is answered from. A ledger that is away is asked again: settling twice charges once. Throws ApiError 504 when the hold
 * has expired meanwhile, 503 when something else has voided it, and LedgerUnavailableError when it is not known whether it is charged: the picture is then not sent.
 */
export async function settle(
  ledger: Pick<Ledger, "settle">,
  settlement: { readonly holdId: HoldId; readonly units: number; readonly response: string },
  patience: Patience,
): Promise<void> {
  const { outcome } = await retryLedger(() => ledger.settle(settlement), patience);
  if (outcome === "expired") throw errors.generationTimeout();
  if (outcome === "voided") throw errors.holdReleased();
  if (outcome !== "posted") throw errors.internal(new Error(`hold ${settlement.holdId} is ${outcome}`));
}

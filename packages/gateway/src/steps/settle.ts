import { errors } from "@atoma/contract";
import { type HoldId, type Ledger, LedgerUnavailableError } from "@atoma/ledger";

/**
 * Step 6. Charges the hold, before the answer's first byte leaves. `response` is what a replay of the idempotency key
 * is answered from. Throws ApiError 504 when the hold has expired meanwhile, and LedgerUnavailableError when it is not
 * known to be charged: the picture is then not sent.
 */
export async function settle(ledger: Ledger, holdId: HoldId, units: number, response: string): Promise<void> {
  const result = await ledger.settle({ holdId, units, response }).catch(async (error: unknown) => {
    if (!(error instanceof LedgerUnavailableError)) throw error;
    // It may have been applied although its answer was lost. Voiding tells, and is harmless if it was.
    const standing = await ledger.void({ holdId }).catch(() => undefined);
    if (standing?.outcome !== "posted") throw error;
    return standing;
  });
  if (result.outcome === "expired") throw errors.generationTimeout();
  if (result.outcome !== "posted") throw errors.internal(new Error(`hold ${holdId} is ${result.outcome}`));
}

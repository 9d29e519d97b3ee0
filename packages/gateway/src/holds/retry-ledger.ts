import { setTimeout } from "node:timers/promises";
import { LedgerUnavailableError } from "@atoma/ledger";

/** How long a ledger that is away is asked again, and who no longer waits for its answer. */
export interface Patience {
  readonly ms: number;
  readonly signal: AbortSignal;
}

const FIRST_WAIT_MS = 50;
const MAX_WAIT_MS = 1000;

/**
 * Asks for something that may safely be asked for twice until the ledger answers. Rejects with its LedgerUnavailableError
 * when the patience is at its end.
 */
export async function retryLedger<Result>(ask: () => Promise<Result>, { ms, signal }: Patience): Promise<Result> {
  const until = performance.now() + ms;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, MAX_WAIT_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof LedgerUnavailableError) || error.reason === "closed") throw error;
      if (performance.now() + wait > until) throw error;
      await setTimeout(wait, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) throw error;
    }
  }
}

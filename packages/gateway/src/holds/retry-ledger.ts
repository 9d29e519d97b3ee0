import { LedgerUnavailableError } from "@atoma/ledger";
import { type Clock, sleep } from "../clock.ts";

/** How long a ledger that is away is asked again, and what ends that before. */
export interface Patience {
  readonly ms: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

const FIRST_WAIT_MS = 50;
const MAX_WAIT_MS = 1000;

/**
 * Asks for something that may safely be asked for twice until the ledger answers. Rejects with its LedgerUnavailableError
 * when the patience is at its end.
 */
export async function retryLedger<Result>(
  ask: () => Promise<Result>,
  { ms, signal, clock }: Patience,
): Promise<Result> {
  const until = clock.monotonic() + ms;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, MAX_WAIT_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof LedgerUnavailableError) || error.reason === "closed") throw error;
      if (clock.monotonic() + wait > until) throw error;
      await sleep(clock, wait, signal).catch(() => undefined);
      if (signal.aborted) throw error;
    }
  }
}

import { setImmediate } from "node:timers/promises";
import type { Ledger } from "@atoma/ledger";

/** Sweeps the ledger until nothing due is left, with a turn of the event loop for others between two goes. */
export async function sweepLedger(ledger: Pick<Ledger, "sweep">, stopped: () => boolean): Promise<void> {
  while ((await ledger.sweep()).more && !stopped()) await setImmediate();
}

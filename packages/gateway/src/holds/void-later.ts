import { type AccountId, type HoldId, type Ledger, LedgerUnavailableError, type ResolveResult } from "@atoma/ledger";
import type { Logger } from "pino";
import { type Clock, every } from "../clock.ts";

/** A hold of a request that was not answered with its pictures. */
export interface Undelivered {
  readonly holdId: HoldId;
  readonly accountId: AccountId;
  readonly units: number;
  readonly requestId: string;
  /** Whether its units are given back if it turns out to be charged: nobody can fetch what they paid for. */
  readonly giveBack: boolean;
}

/** Lets go of holds, now or as soon as the ledger answers again. */
export interface VoidLater {
  /** Voids a hold; while the ledger is away it is noted, and asked again. Never rejects. A hold that was posted stays posted. */
  release(undelivered: Undelivered): Promise<void>;
  /** Asks once more, and tells the log what is left. */
  close(): Promise<void>;
}

const AGAIN_MS = 1000;
/** Holds noted at most; of one more only the log tells, and its deadline frees it. */
const MAX_NOTED = 10_000;
/** How long a reservation whose answer was lost may still be on its way to the database. */
const LATE_MS = 10_000;

export function openVoidLater(ledger: Ledger, log: Logger, clock: Clock): VoidLater {
  const noted = new Map<HoldId, { readonly undelivered: Undelivered; readonly since: number }>();
  let asking: Promise<void> | undefined;

  /** Rejects while the ledger is away. */
  async function letGo({ holdId, accountId, units, requestId, giveBack }: Undelivered): Promise<ResolveResult> {
    const standing = await ledger.void({ holdId });
    if (standing.outcome !== "posted" || !giveBack) return standing;
    const memo = "charged while the ledger could not be reached, and not delivered";
    await ledger.grant(accountId, units, { reference: `undelivered:${holdId}`, memo, actor: "gateway" });
    log.warn({ requestId, holdId, units }, "charged but not delivered; the units were given back");
    return standing;
  }

  /** Forgets a hold once its end is known. Resolves with whether the ledger is there. */
  async function askAgain(holdId: HoldId): Promise<boolean> {
    const note = noted.get(holdId);
    if (!note) return true;
    try {
      const { outcome } = await letGo(note.undelivered);
      if (outcome === "not_found" && clock.monotonic() - note.since < LATE_MS) return true;
    } catch (error) {
      if (error instanceof LedgerUnavailableError) return false;
      log.error({ err: error, requestId: note.undelivered.requestId, holdId }, "hold not released");
    }
    noted.delete(holdId);
    return true;
  }

  async function askAll(): Promise<void> {
    const [first, ...rest] = noted.keys();
    if (first !== undefined && (await askAgain(first))) await Promise.all(rest.map(askAgain));
  }

  function ask(): Promise<void> {
    asking ??= askAll().finally(() => {
      asking = undefined;
    });
    return asking;
  }

  const stop = every(clock, AGAIN_MS, () => void ask());

  return {
    async release(undelivered) {
      const { holdId, requestId } = undelivered;
      if (noted.has(holdId)) return;
      const since = clock.monotonic();
      try {
        const { outcome } = await letGo(undelivered);
        if (outcome !== "not_found") return;
      } catch (error) {
        log.error({ err: error, requestId, holdId }, "hold not released; the ledger is asked again");
      }
      if (noted.size < MAX_NOTED) noted.set(holdId, { undelivered, since });
    },
    async close() {
      stop();
      await ask();
      for (const [holdId, { undelivered }] of noted) {
        log.error({ requestId: undelivered.requestId, holdId }, "hold not released; its deadline frees it");
      }
    },
  };
}

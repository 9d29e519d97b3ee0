import type { ServerResponse } from "node:http";
import { errors } from "@atoma/contract";
import { LedgerUnavailableError } from "@atoma/ledger";
import type { Context } from "../context.ts";
import { openShelf, type Shelf, type ShelfContext } from "../pictures/shelf.ts";
import type { Hold, UnderWayHold } from "./reserve.ts";

/** One request's life from its hold to its settlement. Disposed of, it voids the hold unless that was charged. */
export interface Generation extends AsyncDisposable {
  readonly hold: Hold;
  readonly requestId: string;
  readonly account: string;
  readonly shelf: Shelf;
  /** Aborted when the client leaves before its answer is complete, or at the deadline; the reason is the ApiError. */
  readonly signal: AbortSignal;
  /**
   * Charges the hold with `settle`, unless the client has left. From here on the deadline no longer counts: it could come while
   * the charge is written, and take away a picture that is paid for.
   */
  charge(settle: () => Promise<void>): Promise<void>;
}

/**
 * Watches the connection of a response: its `close` event is the only one that tells in time that the client has left; bodies
 * that are piped or awaited notice it only when they next write.
 */
export function openGeneration(
  response: ServerResponse,
  requestId: string,
  hold: UnderWayHold,
  context: Pick<Context, "generationTimeoutMs" | "voidLater"> & ShelfContext,
): Generation {
  const { clock, generationTimeoutMs, voidLater } = context;
  const { holdId, accountId, units, replayable } = hold;
  const shelf = openShelf(context);
  const controller = new AbortController();
  const { signal } = controller;
  let charged: "no" | "yes" | "perhaps" = "no";
  const onClose = () => {
    if (!response.writableFinished) controller.abort(errors.clientClosed());
  };
  response.once("close", onClose);
  const timer = clock.setTimeout(() => controller.abort(errors.generationTimeout()), generationTimeoutMs);
  if (response.destroyed) onClose();

  return {
    hold,
    requestId,
    account: accountId,
    shelf,
    signal,
    async charge(settle) {
      signal.throwIfAborted();
      clock.clearTimeout(timer);
      try {
        await settle();
        charged = "yes";
      } catch (error) {
        if (error instanceof LedgerUnavailableError) charged = "perhaps";
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      clock.clearTimeout(timer);
      response.off("close", onClose);
      hold.underWay[Symbol.dispose]();
      await shelf[Symbol.asyncDispose]();
      if (charged === "yes") return;
      // Nothing was sent; what an idempotency key remembers can be fetched, anything else is given back.
      const giveBack = charged === "perhaps" && !replayable;
      await voidLater.release({ holdId, accountId, units, requestId, giveBack });
    },
  };
}

import { type AccountId, type ActivityCount, type KeyId, type Ledger, latencyClass, type Outcome } from "@atoma/ledger";
import type { Logger } from "pino";
import { type Clock, every } from "../clock.ts";

/** A request that has ended. */
export interface Ended {
  readonly accountId: AccountId;
  readonly keyId: KeyId;
  readonly model: string;
  readonly outcome: Outcome;
  readonly ms: number;
  /** Delivered, and charged for them. */
  readonly images: number;
  readonly units: number;
}

/** Counts ended requests for the charts of the dashboard. */
export interface ActivityCounts {
  note(ended: Ended): void;
  /** Writes what was counted. Never rejects: a ledger that is away gets it the next time. */
  flush(): Promise<void>;
  /** Flushes a last time. */
  close(): Promise<void>;
}

const FLUSH_MS = 5_000;
const HOUR_MS = 3_600_000;
/** What one transaction of the ledger takes. */
const MAX_BATCH = 5_000;
/** Beyond it new kinds of requests are not counted until some were written. */
const MAX_KINDS = 50_000;

type Count = { -readonly [Name in keyof ActivityCount]: ActivityCount[Name] };

/** How a status says that a request ended; `complete` is whether the client got all of its answer. */
export function outcomeOf(status: number, complete: boolean): Outcome {
  if (status === 499 || (status < 400 && !complete)) return "left";
  if (status >= 500) return "failed";
  return status >= 400 ? "refused" : "succeeded";
}

export function openActivityCounts(ledger: Pick<Ledger, "activity">, clock: Clock, log: Logger): ActivityCounts {
  let counts = new Map<string, Count>();
  let flushing: Promise<void> | undefined;
  const stop = every(clock, FLUSH_MS, () => void flush());

  function put(count: Count): void {
    const { hour, keyId, model, outcome, latency } = count;
    const kind = `${hour} ${keyId} ${outcome} ${latency} ${model}`;
    const known = counts.get(kind);
    if (!known) {
      if (counts.size < MAX_KINDS) counts.set(kind, count);
      return;
    }
    known.requests += count.requests;
    known.images += count.images;
    known.units += count.units;
  }

  async function write(): Promise<void> {
    const all = [...counts.values()];
    counts = new Map();
    for (let at = 0; at < all.length; at += MAX_BATCH) {
      try {
        await ledger.activity.add(all.slice(at, at + MAX_BATCH));
      } catch (error) {
        log.warn({ err: error }, "the figures of ended requests were not written down; they are tried again");
        // Where it was written and the answer was lost, charts count these requests twice; the books are elsewhere.
        all.slice(at).forEach(put);
        return;
      }
    }
  }

  function flush(): Promise<void> {
    if (counts.size === 0) return flushing ?? Promise.resolve();
    flushing ??= write().finally(() => {
      flushing = undefined;
    });
    return flushing;
  }

  return {
    note({ accountId, keyId, model, outcome, ms, images, units }) {
      const now = clock.now();
      const hour = now - (now % HOUR_MS);
      put({ hour, accountId, keyId, model, outcome, latency: latencyClass(ms), requests: 1, images, units });
    },
    flush,
    async close() {
      stop();
      await flushing;
      await flush();
    },
  };
}

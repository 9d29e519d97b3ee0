import { LedgerUnavailableError } from "./errors.ts";
import type { Timers } from "./timers.ts";

export interface BatcherOptions<Item, Result> {
  /** Applies items together; resolves with a result for each, in their order. Must settle by itself. */
  apply: (items: readonly Item[]) => Promise<readonly Result[]>;
  maxBatch: number;
  /** How many batches may be under way at once. */
  lanes: number;
  /** How many items may wait. One more is refused. */
  maxQueue: number;
  /** How long an item may take, waiting included. */
  timeoutMs: number;
  timers: Timers;
}

export interface Batcher<Item, Result> {
  submit(item: Item): Promise<Result>;
  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void>;
}

interface Waiting<Item, Result> {
  item: Item;
  submittedAt: number;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/** What fewer operations than this cost together is mostly the transaction: they are not shared out among lanes. */
export const MIN_SHARE = 16;

const timedOut = () => new LedgerUnavailableError("timeout", "the ledger's database did not answer in time");

/**
 * Group commit. What is submitted in one turn of the event loop, and what gathers while every lane is busy, is applied
 * together. Nothing waits longer than `timeoutMs`, whatever the database does.
 */
export function createBatcher<Item, Result>(options: BatcherOptions<Item, Result>): Batcher<Item, Result> {
  const { apply, maxBatch, lanes, maxQueue, timeoutMs, timers } = options;
  const queue: Waiting<Item, Result>[] = [];
  let busyLanes = 0;
  let underWay = 0;
  let scheduled = false;
  let overdueTimer: NodeJS.Timeout | undefined;
  const idlers: (() => void)[] = [];

  function submit(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (queue.length >= maxQueue) {
        reject(new LedgerUnavailableError("overloaded", `${maxQueue} operations wait for the ledger already`));
        return;
      }
      queue.push({ item, submittedAt: timers.now(), resolve, reject });
      schedule();
    });
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      startBatches();
    });
  }

  function startBatches(): void {
    while (busyLanes < lanes && queue.length > 0) {
      const batch = queue.splice(0, Math.min(maxBatch, share()));
      busyLanes += 1;
      underWay += batch.length;
      run(batch).finally(() => {
        busyLanes -= 1;
        underWay -= batch.length;
        // In the next turn, when clients whose answers have come are back with what they ask next.
        schedule();
      });
    }
    watchQueue();
    if (busyLanes === 0 && queue.length === 0) {
      for (const idler of idlers.splice(0)) idler();
    }
  }

  /**
   * A lane's part of all that is asked for. Clients whose answers come together come back together: in one batch, many
   * clients would leave the other lanes idle for good.
   */
  function share(): number {
    return Math.max(MIN_SHARE, Math.ceil((queue.length + underWay) / lanes));
  }

  async function run(batch: Waiting<Item, Result>[]): Promise<void> {
    const rejectAll = (error: unknown): void => {
      for (const waiting of batch) waiting.reject(error);
    };
    const oldest = batch[0]?.submittedAt ?? 0;
    const timer = timers.setTimeout(() => rejectAll(timedOut()), Math.max(0, oldest + timeoutMs - timers.now()));
    try {
      const results = await apply(batch.map((waiting) => waiting.item));
      if (results.length !== batch.length) throw new Error(`${batch.length} operations gave ${results.length} results`);
      results.forEach((result, index) => {
        batch[index]?.resolve(result);
      });
    } catch (error) {
      rejectAll(error);
    } finally {
      timers.clearTimeout(timer);
    }
  }

  /** What waits behind busy lanes has a deadline too: one timer, for the oldest. */
  function watchQueue(): void {
    const [oldest] = queue;
    if (oldest === undefined) {
      timers.clearTimeout(overdueTimer);
      overdueTimer = undefined;
      return;
    }
    if (overdueTimer !== undefined) return;
    overdueTimer = timers.setTimeout(
      () => {
        overdueTimer = undefined;
        const now = timers.now();
        const late = queue.findIndex((waiting) => waiting.submittedAt + timeoutMs > now);
        const overdue = queue.splice(0, late === -1 ? queue.length : late);
        for (const waiting of overdue) waiting.reject(timedOut());
        startBatches();
      },
      Math.max(1, oldest.submittedAt + timeoutMs - timers.now()),
    );
  }

  function idle(): Promise<void> {
    return new Promise((resolve) => {
      idlers.push(resolve);
      schedule();
    });
  }

  return { submit, idle };
}

import type { Feeds, Runner } from "./run-queue.ts";

/** A batch is worth while when it takes at most this share of the time of as many runs. */
const WORTH = 0.9;
const MOST = 8;
/** A network that takes longer by itself keeps its hardware busy, and measuring would keep the model from starting. */
const SLOW_MS = 1_000;
/** Runs shorter than this are timed several times. */
const SHORT_MS = 200;
const REPEATS = 3;

export interface BatchMeasurement {
  readonly network: Runner;
  /** One run that the network has made before. */
  readonly feeds: Feeds;
  /** Milliseconds of a clock that only rises. */
  readonly now: () => number;
}

/**
 * How many runs of a network may share a batch so that each takes less time than alone: 1, 2, 4 or 8. 1 where it takes
 * longer than a second a run. Memory that does not suffice for a batch of some size ends the search.
 */
export async function measureBatches({ network, feeds, now }: BatchMeasurement): Promise<number> {
  const { runTogether } = network;
  if (!runTogether || network.batchKey?.(feeds) === undefined) return 1;

  /** The shortest of a few tries, in milliseconds. */
  async function time(run: () => Promise<unknown>): Promise<number> {
    let shortest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < REPEATS; i++) {
      const started = now();
      await run();
      shortest = Math.min(shortest, now() - started);
      if (shortest > SHORT_MS) break;
    }
    return shortest;
  }

  let each = await time(() => network.run(feeds));
  if (each > SLOW_MS) return 1;
  let limit = 1;
  for (let size = 2; size <= MOST; size *= 2) {
    const batch = Array<Feeds>(size).fill(feeds);
    const whole = await time(() => runTogether(batch)).catch(() => Number.POSITIVE_INFINITY);
    if (whole / size > each * WORTH) break;
    each = whole / size;
    limit = size;
  }
  return limit;
}

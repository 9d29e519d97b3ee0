import type { Tensor } from "onnxruntime-common";
import { currentLane, inLane, type Lane } from "./lane.ts";
import { takeTurns } from "./take-turns.ts";

export type Feeds = Readonly<Record<string, Tensor>>;
export type Outputs = Readonly<Record<string, Tensor>>;

/** A network as the queue runs it. */
export interface Runner {
  run(feeds: Feeds): Promise<Outputs>;
  /** Runs whose keys are the same may share a batch; undefined where they may not. */
  batchKey?(feeds: Feeds): string | undefined;
  /** Runs several feeds of one key as one batch. */
  runTogether?(feeds: readonly Feeds[]): Promise<readonly Outputs[]>;
}

/** The networks of one process: they run one after the other, and the requests whose networks they are take turns. */
export interface RunQueue {
  /** Does `work` for a request. The networks that it runs wait for the lane's turns. */
  enter<T>(lane: Lane, work: () => Promise<T>): Promise<T>;
  /** Runs a network at the current lane's turn; at once where the caller has no lane. Throws the reason of its signal. */
  run(network: Runner, feeds: Feeds): Promise<Outputs>;
  /** How many runs of one network may share a batch: 1 (at first) for none. */
  batchLimit: number;
  /** Takes the last run that might have shared a batch, to measure with. */
  takeSample(): { readonly network: Runner; readonly feeds: Feeds } | undefined;
}

interface Waiting {
  readonly lane: Lane;
  readonly network: Runner;
  readonly feeds: Feeds;
  readonly since: number;
  readonly outcome: PromiseWithResolvers<Outputs>;
  readonly onAbort: () => void;
}

export interface RunQueueOptions {
  /** Milliseconds of a clock that only rises. */
  readonly now: () => number;
  /** Gives the event loop a turn, in which orders arrive and other requests get ready. */
  readonly yieldLoop: () => Promise<void>;
}

export function runQueue({ now, yieldLoop }: RunQueueOptions): RunQueue {
  const turns = takeTurns<Lane>();
  let waiting: Waiting[] = [];
  let busy = false;
  let batchLimit = 1;
  let sample: { readonly network: Runner; readonly feeds: Feeds } | undefined;
  /** After the first measurement the feeds of a run are not kept. */
  let sampling = true;

  function remove(entry: Waiting): void {
    waiting = waiting.filter((one) => one !== entry);
    entry.lane.signal.removeEventListener("abort", entry.onAbort);
  }

  /** The run whose turn it is, with those that may share its batch. */
  function take(): readonly Waiting[] {
    const lane = turns.next(new Set(waiting.map((entry) => entry.lane)));
    const first = waiting.find((entry) => entry.lane === lane);
    if (!first) return [];
    const key = batchLimit > 1 ? first.network.batchKey?.(first.feeds) : undefined;
    const mates =
      key === undefined
        ? []
        : waiting.filter(
            (one) => one !== first && one.network === first.network && one.network.batchKey?.(one.feeds) === key,
          );
    const taken = [first, ...mates.slice(0, batchLimit - 1)];
    for (const entry of taken) remove(entry);
    return taken;
  }

  async function serve(taken: readonly Waiting[]): Promise<void> {
    const [first] = taken;
    if (!first) return;
    const { network } = first;
    const started = now();
    try {
      const outputs =
        taken.length > 1 && network.runTogether
          ? await network.runTogether(taken.map((entry) => entry.feeds))
          : [await network.run(first.feeds)];
      account(taken, started);
      for (const [i, entry] of taken.entries()) {
        const own = outputs[i];
        if (own) entry.outcome.resolve(own);
        else entry.outcome.reject(new Error("a batch gave fewer outputs than it has runs"));
      }
    } catch (error) {
      account(taken, started);
      for (const entry of taken) entry.outcome.reject(error);
    }
  }

  function account(taken: readonly Waiting[], started: number): void {
    const share = (now() - started) / taken.length;
    for (const { lane, since } of taken) {
      lane.runMs += share;
      lane.waitMs += started - since;
    }
  }

  async function work(): Promise<void> {
    if (busy) return;
    busy = true;
    for (;;) {
      await yieldLoop();
      if (waiting.length === 0) break;
      await serve(take());
    }
    busy = false;
  }

  return {
    get batchLimit() {
      return batchLimit;
    },
    set batchLimit(limit) {
      batchLimit = limit;
    },
    takeSample: () => {
      const taken = sample;
      sample = undefined;
      sampling = false;
      return taken;
    },
    enter: async (lane, run) => {
      turns.enter(lane);
      try {
        return await inLane(lane, run);
      } finally {
        turns.leave(lane);
      }
    },
    run: (network, feeds) => {
      const lane = currentLane();
      if (!lane) return network.run(feeds);
      if (lane.signal.aborted) return Promise.reject(lane.signal.reason);
      if (sampling && network.runTogether) sample = { network, feeds };
      const outcome = Promise.withResolvers<Outputs>();
      const onAbort = () => {
        remove(entry);
        outcome.reject(lane.signal.reason);
      };
      const entry: Waiting = { lane, network, feeds, since: now(), outcome, onAbort };
      lane.signal.addEventListener("abort", onAbort, { once: true });
      waiting.push(entry);
      void work();
      return outcome.promise;
    },
  };
}

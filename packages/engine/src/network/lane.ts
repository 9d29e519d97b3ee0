import { AsyncLocalStorage } from "node:async_hooks";

/** One request among those whose networks run in this process. */
export interface Lane {
  /** How much work the whole request is, in a unit that all lanes share. Small requests are favoured. */
  readonly work: number;
  /** When it aborts, waiting for a turn ends, with its reason. */
  readonly signal: AbortSignal;
  /** Milliseconds that its networks have run; of runs shared with other requests, its share. */
  runMs: number;
  /** Milliseconds that it has waited for its turns. */
  waitMs: number;
}

const lanes = new AsyncLocalStorage<Lane>();

/** Everything that `work` awaits belongs to this lane. */
export const inLane = <T>(lane: Lane, work: () => T): T => lanes.run(lane, work);

/** The lane that the calling code belongs to; undefined while a model is loaded and warmed up. */
export const currentLane = (): Lane | undefined => lanes.getStore();

import type { Engine } from "./engine.ts";
import { LedgerUnavailableError } from "./errors.ts";
import { query, type Script } from "./sql/script.ts";

/** How often a ledger that could not be written is written to, to find out whether that has passed. */
const PROBE_MS = 1_000;
/** No node can have it: names have no slashes. */
const NAME = "/write-probe";

/** An engine that remembers whether its last commits reached the disk. */
export interface WriteWatch {
  readonly engine: Engine;
  /**
   * Why nothing can be written: what the last commit failed with, until one succeeds. A full disk, a file system or a server
   * that is read-only; not a lock, and not a deadline. Undefined while all is well. Never rejects.
   */
  problem(): Promise<string | undefined>;
}

/** A write that reaches the disk and leaves nothing. */
function* probe(): Script<void> {
  yield query("INSERT INTO nodes (name, dialect, created_at) VALUES ($1, 'atoma', 0)", NAME);
  yield query("DELETE FROM nodes WHERE name = $1", NAME);
}

/** Watches an engine's commits. A failed one may be the last for long, so `problem` tries by itself whether they work again. */
export function watchWrites(engine: Engine, now: () => number): WriteWatch {
  let failure: LedgerUnavailableError | undefined;
  let probedAt = Number.NEGATIVE_INFINITY;
  let probing: Promise<void> | undefined;

  async function watched<Result>(commit: Promise<Result>): Promise<Result> {
    try {
      return await commit;
    } catch (error) {
      if (error instanceof LedgerUnavailableError && error.reason === "connection") failure = error;
      throw error;
    }
  }

  async function tryAgain(): Promise<void> {
    probedAt = now();
    try {
      await engine.transact(probe);
      failure = undefined;
    } catch {
      // What is known is still so.
    } finally {
      probing = undefined;
    }
  }

  return {
    engine: {
      ...engine,
      apply: (operations, at) => watched(engine.apply(operations, at)),
      expire: (at, limit) => watched(engine.expire(at, limit)),
      transact: (script) => watched(engine.transact(script)),
    },
    async problem() {
      if (failure && Math.abs(now() - probedAt) >= PROBE_MS) probing ??= tryAgain();
      await probing;
      return failure?.message;
    },
  };
}

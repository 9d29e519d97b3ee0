import { openActivity } from "./activity/open-activity.ts";
import { clean } from "./admin/clean.ts";
import { shortenWaits } from "./admin/clock-steps.ts";
import { touchKeys } from "./admin/keys.ts";
import { administration } from "./administration.ts";
import { createBatcher } from "./batcher.ts";
import type { Operation, OperationResult } from "./core/types.ts";
import type { Engine, LedgerLogger } from "./engine.ts";
import { LedgerUnavailableError } from "./errors.ts";
import { keyIdFrom, type RandomBytes } from "./ids.ts";
import { openJobs } from "./jobs/open-jobs.ts";
import { createKeyUses } from "./key-uses.ts";
import type { Health, Ledger } from "./ledger.ts";
import { openNodes } from "./nodes/open-nodes.ts";
import { ledgerOperations } from "./operations.ts";
import { query, type Script } from "./sql/script.ts";
import type { Timers } from "./timers.ts";
import { watchWrites } from "./write-watch.ts";

/** What one `sweep` does at most, of each kind. */
const SWEEP_LIMIT = 500;
const USES_INTERVAL_MS = 10_000;

export interface CreateOptions {
  now: () => number;
  randomBytes: RandomBytes;
  logger: LedgerLogger;
  maxQueue: number;
  operationTimeoutMs: number;
  timers: Timers;
}

const closed = () => new LedgerUnavailableError("closed", "the ledger is closed");

function* ping(): Script<void> {
  yield query("SELECT count(*) AS versions FROM schema_migrations");
}

/** The ledger over an engine: checks, group commit, ids, clocks. */
export function createLedger(unwatched: Engine, options: CreateOptions): Ledger {
  const { now, randomBytes, logger } = options;
  const writes = watchWrites(unwatched, now);
  const { engine } = writes;
  let closing: Promise<void> | undefined;
  const open = gated(engine, () => closing !== undefined);

  const batcher = createBatcher<Operation, OperationResult>({
    apply: (operations) => engine.apply(operations, now()),
    maxBatch: engine.maxBatch,
    lanes: engine.lanes,
    maxQueue: options.maxQueue,
    timeoutMs: options.operationTimeoutMs,
    timers: options.timers,
  });
  const keyUses = createKeyUses({
    now,
    intervalMs: USES_INTERVAL_MS,
    write: (uses) => engine.transact(() => touchKeys(uses)),
    onFailure: (error) => logger.warn({ err: error }, "the last use of some keys was not written down"),
  });

  let sweptAt = Number.POSITIVE_INFINITY;

  /** At the first sweep too: the clock may have stepped back while no gateway was there. */
  async function followClock(at: number): Promise<void> {
    if (at >= sweptAt) return;
    await open.shortenHolds(at);
    await open.transact(() => shortenWaits(at));
  }

  async function sweep() {
    const at = now();
    await followClock(at);
    sweptAt = at;
    const expired = await open.expire(now(), SWEEP_LIMIT);
    const more = await open.transact(() => clean(now(), SWEEP_LIMIT));
    await keyUses.flush();
    return { expired, more: more || expired === SWEEP_LIMIT };
  }

  async function health(): Promise<Health> {
    const facts = { engine: engine.name, schemaVersion: engine.schemaVersion };
    if (closing !== undefined) return { ok: false, ...facts, reason: "the ledger is closed" };
    try {
      await engine.read(ping);
      const reason = await writes.problem();
      return reason === undefined ? { ok: true, ...facts } : { ok: false, ...facts, reason, readable: true };
    } catch (error) {
      return { ok: false, ...facts, reason: error instanceof Error ? error.message : "unknown" };
    }
  }

  async function finish(): Promise<void> {
    await batcher.idle();
    try {
      await keyUses.flush();
    } catch (error) {
      logger.warn({ err: error }, "the last use of some keys was not written down");
    } finally {
      await engine.close();
    }
  }

  return {
    ...ledgerOperations(async (operation) => {
      if (closing !== undefined) throw closed();
      return batcher.submit(operation);
    }),
    ...administration(open, now, randomBytes),
    jobs: openJobs(open, now),
    nodes: openNodes(open, now, randomBytes),
    activity: openActivity(open),
    sweep,
    touchKey: (keyId) => keyUses.note(keyIdFrom(keyId)),
    health,
    close() {
      closing ??= finish();
      return closing;
    },
  };
}

/** The same engine, which refuses once the ledger is closing. What is queued already still goes through `engine` itself. */
function gated(engine: Engine, closing: () => boolean): Engine {
  const gate =
    <Arguments extends unknown[], Result>(method: (...args: Arguments) => Promise<Result>) =>
    async (...args: Arguments): Promise<Result> => {
      if (closing()) throw closed();
      return method(...args);
    };
  return {
    ...engine,
    expire: gate(engine.expire),
    shortenHolds: gate(engine.shortenHolds),
    read: async (script) => gate(() => engine.read(script))(),
    transact: async (script) => gate(() => engine.transact(script))(),
    verify: gate(engine.verify),
  };
}

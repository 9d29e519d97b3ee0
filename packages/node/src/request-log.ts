import { ApiError, errors, type GenerationEvent } from "@atoma/contract";
import type { Timer, Timers } from "./timers.ts";

/** One generation, apart from the connections that read it. */
export interface TrackedRun {
  /** All events from the first on, and those to come. Leaving it counts as a reader that left. */
  read(): AsyncGenerator<GenerationEvent, void, undefined>;
  /** Ends it now, whoever reads. */
  abort(reason: unknown): void;
}

/**
 * Generations by the id that their caller gave them. A connection that breaks does not end one: its caller may come back
 * for it by its id. A finished one is kept for a while, so that nothing is made twice.
 */
export interface RequestLog {
  /**
   * The generation of this id: the one that is there already, or a new one. Throws ApiError 410 when the id was cancelled
   * or its result has been dropped, 422 when it came with another body.
   */
  run(id: string, fingerprint: string, start: (signal: AbortSignal) => AsyncIterable<GenerationEvent>): TrackedRun;
  /** Undefined for an id that never came. Throws ApiError 410 as `run`. */
  find(id: string): TrackedRun | undefined;
  /** Ends the generation, and refuses the id from now on, also if it has not come yet. */
  cancel(id: string): void;
  /** Ends all of them. */
  close(reason: unknown): void;
}

export interface RequestLogOptions {
  /** How long a generation goes on that nobody reads. */
  readonly orphanMs: number;
  /** How long a finished one, or the memory of a cancelled one, is kept. */
  readonly keepMs: number;
  /** Finished ones hold at most this many bytes of pictures; the oldest go first. */
  readonly maxBytes: number;
  /** Finished and cancelled ones together. */
  readonly maxEntries: number;
}

export const REQUEST_LOG: RequestLogOptions = {
  orphanMs: 5_000,
  keepMs: 300_000,
  maxBytes: 128 * 2 ** 20,
  maxEntries: 10_000,
};

type Outcome = "running" | "done" | { readonly failure: unknown };

interface Entry {
  readonly id: string;
  readonly fingerprint: string;
  readonly controller: AbortController;
  readonly events: GenerationEvent[];
  bytes: number;
  outcome: Outcome;
  readers: number;
  orphaned: Timer | undefined;
  changed: PromiseWithResolvers<void>;
}

/** Turned away before anything was made: its caller may come again with the same id. */
function wasTurnedAway({ outcome, events }: Entry): boolean {
  if (outcome === "running" || outcome === "done" || events.length > 0) return false;
  return outcome.failure instanceof ApiError && [429, 503].includes(outcome.failure.status);
}

export function requestLog(timers: Timers, options: RequestLogOptions = REQUEST_LOG): RequestLog {
  const { setTimeout, clearTimeout } = timers;
  const running = new Map<string, Entry>();
  /** In the order in which they finished. */
  const finished = new Map<string, { readonly entry: Entry; readonly timer: Timer }>();
  /** Cancelled, or dropped to save memory. */
  const gone = new Map<string, Timer>();
  let keptBytes = 0;

  function remember(id: string): void {
    clearTimeout(gone.get(id));
    gone.delete(id);
    gone.set(
      id,
      setTimeout(() => gone.delete(id), options.keepMs),
    );
    const [oldest] = gone;
    if (gone.size <= options.maxEntries || !oldest) return;
    clearTimeout(oldest[1]);
    gone.delete(oldest[0]);
  }

  function drop(id: string): void {
    const kept = finished.get(id);
    if (!kept) return;
    clearTimeout(kept.timer);
    keptBytes -= kept.entry.bytes;
    finished.delete(id);
  }

  function keep(entry: Entry): void {
    const timer = setTimeout(() => drop(entry.id), options.keepMs);
    finished.set(entry.id, { entry, timer });
    keptBytes += entry.bytes;
    for (const id of finished.keys()) {
      if (keptBytes <= options.maxBytes && finished.size <= options.maxEntries) break;
      drop(id);
      remember(id);
    }
  }

  function wake(entry: Entry): void {
    entry.changed.resolve();
    entry.changed = Promise.withResolvers();
  }

  async function pump(entry: Entry, source: AsyncIterable<GenerationEvent>): Promise<void> {
    try {
      for await (const event of source) {
        entry.events.push(event);
        if ("bytes" in event) entry.bytes += event.bytes.length;
        wake(entry);
      }
      entry.outcome = "done";
    } catch (failure) {
      entry.outcome = { failure };
    }
    clearTimeout(entry.orphaned);
    running.delete(entry.id);
    if (!gone.has(entry.id) && !wasTurnedAway(entry)) keep(entry);
    wake(entry);
  }

  function watchForOrphan(entry: Entry): void {
    if (entry.readers > 0 || entry.outcome !== "running") return;
    clearTimeout(entry.orphaned);
    entry.orphaned = setTimeout(() => entry.controller.abort(errors.clientClosed()), options.orphanMs);
  }

  async function* read(entry: Entry): AsyncGenerator<GenerationEvent, void, undefined> {
    for (let at = 0; ; at++) {
      while (at >= entry.events.length) {
        if (entry.outcome === "done") return;
        if (entry.outcome !== "running") throw entry.outcome.failure;
        await entry.changed.promise;
      }
      const event = entry.events[at];
      if (event) yield event;
    }
  }

  /** A reader counts from here on, even before it reads. */
  function attach(entry: Entry): TrackedRun {
    return {
      abort: (reason) => entry.controller.abort(reason),
      read() {
        entry.readers++;
        clearTimeout(entry.orphaned);
        const source = read(entry);
        let left = false;
        const leave = () => {
          if (left) return;
          left = true;
          entry.readers--;
          watchForOrphan(entry);
        };
        const events: AsyncGenerator<GenerationEvent, void, undefined> = {
          next: async () => {
            const result = await source.next().catch((error: unknown) => {
              leave();
              throw error;
            });
            if (result.done) leave();
            return result;
          },
          // Not passed on: the source may be waiting for an event, and would return only after it.
          return: async () => {
            leave();
            return { done: true, value: undefined };
          },
          throw: async (error) => {
            leave();
            throw error;
          },
          [Symbol.asyncIterator]: () => events,
          [Symbol.asyncDispose]: async () => leave(),
        };
        return events;
      },
    };
  }

  function known(id: string): Entry | undefined {
    if (gone.has(id)) throw errors.requestGone();
    return running.get(id) ?? finished.get(id)?.entry;
  }

  return {
    run(id, fingerprint, start) {
      const there = known(id);
      if (there && there.fingerprint !== fingerprint) throw errors.requestIdReused();
      if (there) return attach(there);
      const controller = new AbortController();
      const entry: Entry = {
        id,
        fingerprint,
        controller,
        events: [],
        bytes: 0,
        outcome: "running",
        readers: 0,
        orphaned: undefined,
        changed: Promise.withResolvers(),
      };
      running.set(id, entry);
      void pump(entry, start(controller.signal));
      return attach(entry);
    },
    find(id) {
      const entry = known(id);
      return entry && attach(entry);
    },
    cancel(id) {
      remember(id);
      running.get(id)?.controller.abort(errors.clientClosed());
      drop(id);
    },
    close(reason) {
      for (const entry of running.values()) entry.controller.abort(reason);
      for (const { timer } of finished.values()) clearTimeout(timer);
      for (const timer of gone.values()) clearTimeout(timer);
    },
  };
}

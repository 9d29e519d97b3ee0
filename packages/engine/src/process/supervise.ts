import { type ApiError, errors } from "@atoma/contract";
import { ModelFolderError } from "../folder/fields.ts";
import { backoffMs } from "./backoff.ts";
import type { ChildOptions, JobReport, LoadedFacts, Report, WarmUp } from "./messages.ts";
import { oomKills } from "./oom-kills.ts";
import { type SpawnedChild, spawnChild } from "./spawn-child.ts";

/** How often in a row the first load may crash, not counting a folder found wrong, before the model is given up. */
const CRASHED_LOADS = 3;
/** Shortest advice to retry while the process loads. */
const RETRY_MS = 1_000;

/** `unloaded`: ended to free its memory; it starts again when it is waited for. */
export type SupervisorState = "starting" | "ready" | "unloaded" | "restarting" | "failed" | "closed";

export interface SupervisorOptions {
  readonly child: ChildOptions;
  readonly loadTimeoutMs: number;
  /** How long the process may take to end when closed. */
  readonly graceMs: number;
  readonly onReport: (report: JobReport) => void;
  /** The process is gone, and with it whatever it was doing; `error` is what to tell about it. */
  readonly onExit: (error: ApiError) => void;
  readonly onRestart: (restart: { readonly reason: string; readonly delayMs: number }) => void;
}

/** Keeps one model process alive: starts it, and starts it again with growing delays when it ends unasked. */
export interface Supervisor {
  readonly state: SupervisorState;
  readonly child: SpawnedChild | undefined;
  readonly restarts: number;
  /** When the process last began to be unavailable, as performance.now() tells time. */
  readonly downSince: number;
  readonly warmUp: WarmUp | undefined;
  /** Of the last load. */
  readonly facts: LoadedFacts | undefined;
  /** Resolves at the first load; rejects with ModelFolderError when the model is given up before. */
  readonly ready: Promise<void>;
  /** Why the process takes no job now; undefined when it does. */
  refusal(): ApiError | undefined;
  /**
   * Resolves when the process takes jobs. Throws `refusal()` after `timeoutMs` or when it never will, or the signal's reason.
   * Starts an unloaded process, and then waits as long as loading may take.
   */
  untilReady(timeoutMs: number, signal?: AbortSignal): Promise<void>;
  /** Ends a process that is ready, to free its memory. */
  unload(): void;
  /** The process has done what it is for: the next restart is quick again. */
  succeeded(): void;
  /** Ends the process and waits for its end. */
  close(): Promise<void>;
}

export function supervise(options: SupervisorOptions): Supervisor {
  const { loadTimeoutMs, graceMs } = options;
  const firstLoad = Promise.withResolvers<void>();
  // Whoever does not await it still sees the failure in `state`.
  firstLoad.promise.catch(() => {});
  const closed = Promise.withResolvers<void>();
  /** Told whenever the state has changed. */
  const watchers = new Set<() => void>();

  let state: SupervisorState = "starting";
  let child: SpawnedChild | undefined;
  let warmUp: WarmUp | undefined;
  let facts: LoadedFacts | undefined;
  /** Processes that were unloaded and have not ended yet. */
  const leaving = new Set<SpawnedChild>();
  /** Processes that the system had ended for want of memory when this one was started. */
  let oomKillsBefore = 0;
  /** Whether it loads because a job wants an unloaded model. */
  let waking = false;
  let attempts = 0;
  let restarts = 0;
  let downSince = performance.now();
  /** What the process said before it gave up its folder. */
  let unloadable: string | undefined;
  let timer: NodeJS.Timeout | undefined;

  function enter(next: SupervisorState): void {
    state = next;
    for (const watcher of [...watchers]) watcher();
  }

  function refusal(): ApiError | undefined {
    switch (state) {
      case "ready":
        return undefined;
      case "closed":
        return errors.shuttingDown();
      case "failed":
        return errors.generationFailed(new Error(`${options.child.path} could not be loaded`));
      case "starting":
      case "unloaded":
      case "restarting":
        return errors.starting(Math.max(RETRY_MS, backoffMs(attempts)));
    }
  }

  function onReport(report: Report): void {
    if (report.type === "unloadable") {
      unloadable = report.message;
    } else if (report.type === "ready") {
      clearTimeout(timer);
      warmUp = report.warmUp;
      facts = report.facts;
      waking = false;
      if (state !== "closed") enter("ready");
      firstLoad.resolve();
    } else {
      options.onReport(report);
    }
  }

  function exitError(reason: string): ApiError {
    if (state === "closed") return errors.shuttingDown();
    const cause = new Error(`the model process ended: ${reason}`);
    const starved = reason === "signal SIGKILL" && oomKills() > oomKillsBefore;
    return starved ? errors.outOfMemory(cause) : errors.generationFailed(cause);
  }

  function onExit(how: string): void {
    clearTimeout(timer);
    child = undefined;
    downSince = performance.now();
    const reason = unloadable ?? how;
    options.onExit(exitError(reason));
    if (state === "closed") return;
    if (warmUp === undefined && (unloadable !== undefined || attempts + 1 >= CRASHED_LOADS)) {
      enter("failed");
      firstLoad.reject(
        new ModelFolderError(unloadable ?? `${options.child.path}: loading it ends the process: ${how}`),
      );
    } else {
      enter("restarting");
      restartLater(reason);
    }
  }

  function restartLater(reason: string): void {
    const delayMs = backoffMs(attempts++);
    options.onRestart({ reason, delayMs });
    timer = setTimeout(() => {
      restarts++;
      start();
    }, delayMs);
  }

  function wake(): void {
    waking = true;
    enter("starting");
    start();
  }

  function start(): void {
    unloadable = undefined;
    oomKillsBefore = oomKills();
    const own: SpawnedChild = spawnChild(options.child, {
      onReport: (report) => {
        if (child === own) onReport(report);
      },
      // One that was unloaded may end when the next one has started.
      onExit: (how) => {
        leaving.delete(own);
        if (child === own) onExit(how);
        if (state === "closed" && !child && leaving.size === 0) closed.resolve();
      },
    });
    child = own;
    timer = setTimeout(own.kill, loadTimeoutMs);
  }

  start();
  return {
    get state() {
      return state;
    },
    get child() {
      return child;
    },
    get restarts() {
      return restarts;
    },
    get downSince() {
      return downSince;
    },
    get warmUp() {
      return warmUp;
    },
    get facts() {
      return facts;
    },
    ready: firstLoad.promise,
    refusal,
    untilReady: (timeoutMs, signal) => {
      if (state === "unloaded") wake();
      const patienceMs = waking ? Math.max(timeoutMs, loadTimeoutMs) : timeoutMs;
      return new Promise((resolve, reject) => {
        const settle = (error?: unknown) => {
          clearTimeout(deadline);
          watchers.delete(look);
          signal?.removeEventListener("abort", onAbort);
          if (error === undefined) resolve();
          else reject(error);
        };
        const look = () => {
          if (state !== "starting" && state !== "restarting") settle(refusal());
        };
        const onAbort = () => settle(signal?.reason);
        const deadline = setTimeout(() => settle(refusal()), patienceMs);
        watchers.add(look);
        signal?.addEventListener("abort", onAbort, { once: true });
        if (signal?.aborted) onAbort();
        else look();
      });
    },
    unload: () => {
      if (state !== "ready" || !child) return;
      const unloaded = child;
      leaving.add(unloaded);
      child = undefined;
      enter("unloaded");
      unloaded.end(graceMs);
    },
    succeeded: () => {
      attempts = 0;
    },
    close: async () => {
      if (state !== "closed") {
        enter("closed");
        firstLoad.reject(errors.shuttingDown());
        clearTimeout(timer);
        child?.end(graceMs);
        if (!child && leaving.size === 0) closed.resolve();
      }
      await closed.promise;
    },
  };
}

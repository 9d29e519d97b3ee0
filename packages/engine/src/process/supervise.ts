import { type ApiError, errors } from "@atoma/contract";
import { ModelFolderError } from "../folder/fields.ts";
import { backoffMs } from "./backoff.ts";
import type { ChildOptions, JobReport, Report, WarmUp } from "./messages.ts";
import { type SpawnedChild, spawnChild } from "./spawn-child.ts";

/** How often in a row the first load may crash, not counting a folder found wrong, before the model is given up. */
const CRASHED_LOADS = 3;
/** Shortest advice to retry while the process loads. */
const RETRY_MS = 1_000;

export type SupervisorState = "starting" | "ready" | "restarting" | "failed" | "closed";

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
  /** Resolves at the first load; rejects with ModelFolderError when the model is given up before. */
  readonly ready: Promise<void>;
  /** Why the process takes no job now; undefined when it does. */
  refusal(): ApiError | undefined;
  /** Resolves when the process takes jobs. Throws `refusal()` after `timeoutMs` or when it never will, or the signal's reason. */
  untilReady(timeoutMs: number, signal?: AbortSignal): Promise<void>;
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
      if (state !== "closed") enter("ready");
      firstLoad.resolve();
    } else {
      options.onReport(report);
    }
  }

  function onExit(how: string): void {
    clearTimeout(timer);
    child = undefined;
    downSince = performance.now();
    const reason = unloadable ?? how;
    options.onExit(
      state === "closed"
        ? errors.shuttingDown()
        : errors.generationFailed(new Error(`the model process ended: ${reason}`)),
    );
    if (state === "closed") {
      closed.resolve();
    } else if (warmUp === undefined && (unloadable !== undefined || attempts + 1 >= CRASHED_LOADS)) {
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

  function start(): void {
    unloadable = undefined;
    child = spawnChild(options.child, { onReport, onExit });
    timer = setTimeout(() => child?.kill(), loadTimeoutMs);
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
    ready: firstLoad.promise,
    refusal,
    untilReady: (timeoutMs, signal) =>
      new Promise((resolve, reject) => {
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
        const deadline = setTimeout(() => settle(refusal()), timeoutMs);
        watchers.add(look);
        signal?.addEventListener("abort", onAbort, { once: true });
        if (signal?.aborted) onAbort();
        else look();
      }),
    succeeded: () => {
      attempts = 0;
    },
    close: async () => {
      if (state !== "closed") {
        enter("closed");
        firstLoad.reject(errors.shuttingDown());
        clearTimeout(timer);
        if (child) child.end(graceMs);
        else closed.resolve();
      }
      await closed.promise;
    },
  };
}

import { randomInt } from "node:crypto";
import { errors, type GenerationEvent, type ImageJob } from "@atoma/contract";
import { type ModelFolder, readModelFolder } from "../folder/read-model-folder.ts";
import { mostEvents, toPictureRequest } from "../pipeline/picture-request.ts";
import { type EventQueue, eventQueue } from "./event-queue.ts";
import type { JobReport, Timings } from "./messages.ts";
import { type SupervisorState, supervise } from "./supervise.ts";

export interface ModelProcessOptions {
  /** The model folder. */
  readonly path: string;
  /** Threads within one operator. Default 1. */
  readonly threads?: number;
  /** Whether a PNG's `parameters` chunk also holds the prompt. Default false. */
  readonly promptInPng?: boolean;
  /** How long a model may take to load and warm up. Default 120,000. */
  readonly loadTimeoutMs?: number;
  /** How long a cancelled job, or the process when closed, may go on before it is killed. Default 5,000. */
  readonly graceMs?: number;
  /** How long a job may run before the process is killed. Default 900,000. */
  readonly jobTimeoutMs?: number;
  /** Told when the process has ended unasked and will be started again. */
  readonly onRestart?: (restart: { readonly reason: string; readonly delayMs: number }) => void;
}

export type ModelProcessState = SupervisorState | "busy";

export interface GenerateOptions {
  /** Stops the job before its next step; the iterator then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** For whoever debugs: not interpreted. */
  readonly requestId?: string;
}

/** A model in a process of its own, which is started again when it ends unasked. */
export interface ModelProcess {
  readonly folder: ModelFolder;
  readonly state: ModelProcessState;
  /** Of the process that runs now. */
  readonly pid: number | undefined;
  /** Times that the process was started again. */
  readonly restarts: number;
  /** When the process last began to be unavailable: when it was first started, or ended; as performance.now() tells time. */
  readonly downSince: number;
  /** Of the last finished job; of the warm-up before that. Undefined until the first load. */
  readonly timings: Timings | undefined;
  /** Seconds per pixel-step that the last warm-up took; an upper estimate. Undefined until the first load. */
  readonly warmUpSecondsPerPixelStep: number | undefined;
  /** Resolves when the model is loaded for the first time; rejects with ModelFolderError when it cannot be. */
  readonly ready: Promise<void>;
  /**
   * Resolves when the process can take a job: at once, or when it has loaded again. Throws ApiError `starting` after
   * `timeoutMs`, `generationFailed` when the model cannot be loaded, and the signal's reason.
   */
  untilReady(timeoutMs: number, signal?: AbortSignal): Promise<void>;
  /**
   * Makes the pictures of a job; one job at a time. Throws ApiError: `starting` while no model is loaded, `generationFailed`
   * when the process dies or its model fails, `invalidImageFile` on a picture that cannot be decoded, `shuttingDown` after `close`. However the iteration ends, the process is free
   * for the next job when it has ended.
   */
  generate(job: ImageJob, options?: GenerateOptions): AsyncGenerator<GenerationEvent, void, undefined>;
  /** Ends the process and waits for its end. */
  close(): Promise<void>;
}

interface Running {
  readonly id: number;
  readonly events: EventQueue<GenerationEvent>;
  readonly settled: PromiseWithResolvers<void>;
  /** Why it was cancelled, if it was. */
  reason: unknown;
  killTimer: NodeJS.Timeout;
}

/** Starts the process of a model folder. Throws ModelFolderError at once when the folder's JSON files are wrong. */
export function startModelProcess(options: ModelProcessOptions): ModelProcess {
  const { path, threads = 1, promptInPng = false } = options;
  const { loadTimeoutMs = 120_000, graceMs = 5_000, jobTimeoutMs = 900_000, onRestart = () => {} } = options;
  const folder = readModelFolder(path);
  let running: Running | undefined;
  let lastTimings: Timings | undefined;
  let nextId = 0;

  const supervisor = supervise({
    child: { path: folder.path, threads, promptInPng },
    loadTimeoutMs,
    graceMs,
    onReport,
    onExit: (error) => finish(running?.reason ?? error),
    onRestart,
  });

  function finish(error?: unknown): void {
    if (!running) return;
    clearTimeout(running.killTimer);
    if (error === undefined) running.events.end();
    else running.events.fail(error);
    running.settled.resolve();
    running = undefined;
  }

  function onReport(report: JobReport): void {
    if (report.id !== running?.id) return;
    switch (report.type) {
      case "event":
        // More events than a job can have: the process is out of its mind.
        if (!running.events.push(report.event)) supervisor.child?.kill();
        break;
      case "finished":
        lastTimings = report.timings;
        supervisor.succeeded();
        finish();
        break;
      case "cancelled":
        finish(running.reason);
        break;
      case "refused":
        finish(errors.undecodableImage(report.param));
        break;
      case "failed":
        finish(errors.generationFailed(new Error(report.message)));
        break;
    }
  }

  function begin(job: ImageJob): Running {
    const { child } = supervisor;
    const refused = supervisor.refusal();
    if (refused) throw refused;
    if (running || !child) throw new Error("a model process makes one job at a time");
    const request = toPictureRequest(job, () => randomInt(2 ** 32));
    running = {
      id: nextId++,
      events: eventQueue(mostEvents(request)),
      settled: Promise.withResolvers(),
      reason: undefined,
      killTimer: setTimeout(child.kill, jobTimeoutMs),
    };
    child.send({ type: "generate", id: running.id, request });
    return running;
  }

  function cancel(job: Running, reason: unknown): void {
    const { child } = supervisor;
    if (running !== job || job.reason !== undefined || !child) return;
    job.reason = reason ?? new DOMException("The job was cancelled.", "AbortError");
    child.send({ type: "cancel", id: job.id });
    clearTimeout(job.killTimer);
    job.killTimer = setTimeout(child.kill, graceMs);
  }

  return {
    folder,
    get state() {
      return running && supervisor.state === "ready" ? "busy" : supervisor.state;
    },
    get pid() {
      return supervisor.child?.pid;
    },
    get restarts() {
      return supervisor.restarts;
    },
    get downSince() {
      return supervisor.downSince;
    },
    get timings() {
      return lastTimings ?? supervisor.warmUp;
    },
    get warmUpSecondsPerPixelStep() {
      const { warmUp } = supervisor;
      return warmUp && warmUp.totalMs / 1000 / warmUp.pixelSteps;
    },
    ready: supervisor.ready,
    untilReady: supervisor.untilReady,
    async *generate(job, { signal } = {}) {
      signal?.throwIfAborted();
      const current = begin(job);
      const onAbort = () => cancel(current, signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      try {
        yield* current.events;
      } finally {
        signal?.removeEventListener("abort", onAbort);
        cancel(current, undefined);
        await current.settled.promise;
      }
    },
    close: supervisor.close,
  };
}

import { randomInt } from "node:crypto";
import { errors, type GenerationEvent, type ImageJob } from "@atoma/contract";
import { type ModelFolder, readModelFolder } from "../folder/read-model-folder.ts";
import type { ProviderChoice } from "../network/runtime.ts";
import type { PictureMetadata } from "../pipeline/parameters.ts";
import { mostEvents, toPictureRequest } from "../pipeline/picture-request.ts";
import type { NoiseSource } from "../random/create-generator.ts";
import { type EventQueue, eventQueue } from "./event-queue.ts";
import type { JobReport, LoadedFacts, Timings } from "./messages.ts";
import { type SupervisorState, supervise } from "./supervise.ts";

export interface ModelProcessOptions {
  /** The model folder. */
  readonly path: string;
  /** Threads within one operator. Default 1. */
  readonly threads?: number;
  /** What a picture's file says of how it was made. Default: its provenance. */
  readonly metadata?: PictureMetadata;
  /** How long a model may take to load and warm up. Default 120,000. */
  readonly loadTimeoutMs?: number;
  /** How long the process may be silent after a job was cancelled, besides three times its slowest step, or take to close,
   * before it is killed. Default 5,000. */
  readonly graceMs?: number;
  /** How long a job may run before it is cancelled. Default 900,000. */
  readonly jobTimeoutMs?: number;
  /** How many jobs it makes at a time; their steps take turns. Default 8. */
  readonly concurrency?: number;
  /** What the networks run on. Default `auto`: the best that loads. */
  readonly provider?: ProviderChoice;
  /** Whose sequence a seed stands for: torch's on a CPU (default), or on a large GPU. */
  readonly noise?: NoiseSource;
  /** After how long without a job the model is unloaded, to come back with the next one. Default: never. */
  readonly unloadAfterMs?: number;
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
  /** How many jobs it makes at a time. */
  readonly concurrency: number;
  /** Of the process that runs now. */
  readonly pid: number | undefined;
  /** How the model was loaded; undefined until it was. */
  readonly facts: LoadedFacts | undefined;
  /** Times that the process was started again after it had ended unasked. */
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
   * Makes the pictures of a job, beside up to `concurrency` − 1 others, and at the end says where the time went. Throws
   * ApiError: `starting` while no model is loaded, `generationFailed` when the process dies or its model fails or the job
   * takes too long, `invalidImageFile` on a picture that cannot be decoded, `shuttingDown` after `close`. However the
   * iteration ends, the process has then ended the job.
   */
  generate(job: ImageJob, options?: GenerateOptions): AsyncGenerator<GenerationEvent, Timings, undefined>;
  /** Ends the process and waits for its end. */
  close(): Promise<void>;
}

/** A cancelled process may be silent for so many times its longest silence, and `graceMs` more. */
const SILENCES = 3;

interface Running {
  readonly id: number;
  readonly events: EventQueue<GenerationEvent>;
  readonly settled: PromiseWithResolvers<void>;
  timings: Timings | undefined;
  /** Why it was cancelled, if it was. */
  reason: unknown;
  timer: NodeJS.Timeout;
}

/** Starts the process of a model folder. Throws ModelFolderError at once when the folder's JSON files are wrong. */
export function startModelProcess(options: ModelProcessOptions): ModelProcess {
  const { path, threads = 1, metadata = "provenance" } = options;
  const { loadTimeoutMs = 120_000, graceMs = 5_000, jobTimeoutMs = 900_000, onRestart = () => {} } = options;
  const { concurrency = 8, provider = "auto", noise = "cpu", unloadAfterMs } = options;
  const folder = readModelFolder(path);
  const running = new Map<number, Running>();
  let lastTimings: Timings | undefined;
  let nextId = 0;
  /** When the process last showed life, and its longest silence while it had a job. */
  let lastReport = 0;
  let longestSilenceMs = 0;
  let idleTimer: NodeJS.Timeout | undefined;

  const supervisor = supervise({
    child: { path: folder.path, threads, metadata, provider, noise },
    loadTimeoutMs,
    graceMs,
    onReport,
    onExit: (error) => {
      for (const job of [...running.values()]) finish(job, job.reason ?? error);
    },
    onRestart,
  });

  function finish(job: Running, error?: unknown): void {
    clearTimeout(job.timer);
    if (error === undefined) job.events.end();
    else job.events.fail(error);
    running.delete(job.id);
    job.settled.resolve();
    if (running.size === 0) idle();
  }

  /** Unloads the model when no job comes for a while. */
  function idle(): void {
    clearTimeout(idleTimer);
    if (unloadAfterMs === undefined) return;
    idleTimer = setTimeout(() => {
      if (running.size === 0) supervisor.unload();
    }, unloadAfterMs);
    // An idle model keeps no process alive.
    idleTimer.unref();
  }

  function onReport(report: JobReport): void {
    const now = performance.now();
    longestSilenceMs = Math.max(longestSilenceMs, now - lastReport);
    lastReport = now;
    const job = running.get(report.id);
    if (!job) return;
    switch (report.type) {
      case "event":
        // More events than a job can have: the process does not keep to the protocol.
        if (!job.events.push(report.event)) supervisor.child?.kill();
        break;
      case "finished":
        lastTimings = report.timings;
        job.timings = report.timings;
        supervisor.succeeded();
        finish(job);
        break;
      case "cancelled":
        finish(job, job.reason);
        break;
      case "refused":
        finish(job, errors.undecodableImage(report.param));
        break;
      case "steps":
        finish(job, errors.conflict("steps", report.message));
        break;
      case "failed": {
        const cause = new Error(report.message);
        finish(job, report.outOfMemory ? errors.outOfMemory(cause) : errors.generationFailed(cause));
        break;
      }
    }
  }

  function begin(imageJob: ImageJob): Running {
    const { child } = supervisor;
    const refused = supervisor.refusal();
    if (refused) throw refused;
    if (running.size >= concurrency || !child)
      throw new Error(`this model process makes ${concurrency} jobs at a time`);
    const request = toPictureRequest(imageJob, () => randomInt(2 ** 32));
    const tooLong = () => cancel(job, errors.generationFailed(new Error(`a job took more than ${jobTimeoutMs} ms`)));
    const job: Running = {
      id: nextId++,
      events: eventQueue(mostEvents(request)),
      settled: Promise.withResolvers(),
      timings: undefined,
      reason: undefined,
      timer: setTimeout(tooLong, jobTimeoutMs),
    };
    clearTimeout(idleTimer);
    if (running.size === 0) lastReport = performance.now();
    running.set(job.id, job);
    child.send({ type: "generate", id: job.id, request });
    return job;
  }

  /** Asks the process to end the job before its next step. Kills it, and others' jobs with it, only if it shows no life. */
  function cancel(job: Running, reason: unknown): void {
    const { child } = supervisor;
    if (!running.has(job.id) || job.reason !== undefined || !child) return;
    job.reason = reason ?? new DOMException("The job was cancelled.", "AbortError");
    child.send({ type: "cancel", id: job.id });
    clearTimeout(job.timer);
    const asked = performance.now();
    const warmUpMs = supervisor.warmUp?.totalMs ?? 0;
    const patienceMs = graceMs + SILENCES * Math.max(longestSilenceMs, warmUpMs);
    const killSilent = () => {
      const silentMs = performance.now() - Math.max(asked, lastReport);
      if (silentMs >= patienceMs) child.kill();
      else job.timer = setTimeout(killSilent, patienceMs - silentMs);
    };
    job.timer = setTimeout(killSilent, patienceMs);
  }

  supervisor.ready.then(idle, () => {});
  return {
    folder,
    concurrency,
    get facts() {
      return supervisor.facts;
    },
    get state() {
      return running.size > 0 && supervisor.state === "ready" ? "busy" : supervisor.state;
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
    untilReady: async (timeoutMs, signal) => {
      // Who waits is about to bring a job.
      clearTimeout(idleTimer);
      await supervisor.untilReady(timeoutMs, signal);
      if (running.size === 0) idle();
    },
    async *generate(imageJob, { signal } = {}) {
      signal?.throwIfAborted();
      if (supervisor.state === "unloaded") await supervisor.untilReady(loadTimeoutMs, signal);
      const job = begin(imageJob);
      const onAbort = () => cancel(job, signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      try {
        yield* job.events;
      } finally {
        signal?.removeEventListener("abort", onAbort);
        cancel(job, undefined);
        await job.settled.promise;
      }
      if (!job.timings) throw new Error("a finished job has no timings");
      return job.timings;
    },
    close: () => {
      clearTimeout(idleTimer);
      return supervisor.close();
    },
  };
}

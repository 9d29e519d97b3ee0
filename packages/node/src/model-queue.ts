import { errors, type GenerationEvent, type ImageJob, type ModelCard } from "@atoma/contract";
import {
  type EventQueue,
  eventQueue,
  type GenerateOptions,
  type ModelProcess,
  type ModelProcessState,
  mostEvents,
  pixelSteps,
  stepsToRun,
} from "@atoma/engine";
import { smoothedRate } from "./smoothed-rate.ts";

/** What a model has to do, as `/v1/load` reports it. */
export interface ModelLoad {
  readonly id: string;
  readonly state: ModelProcessState;
  /** Requests being made, beside each other. */
  readonly running: number;
  /** Requests waiting. */
  readonly queued: number;
  /** How many requests are made at a time. */
  readonly concurrency: number;
  /** Pictures × rendered pixels × steps still to do, of all requests. */
  readonly pending_pixel_steps: number;
  /** Null until the model was loaded once. */
  readonly seconds_per_pixel_step: number | null;
}

/** The requests of one model: some are made beside each other, a bounded number waits in the order of arrival. */
export interface ModelQueue {
  readonly card: ModelCard;
  readonly process: ModelProcess;
  readonly load: ModelLoad;
  /**
   * Waits for its turn, then yields what the model process gives. Throws ApiError: `queueFull` at once, `starting` when
   * the process does not load in time, and whatever generating throws, the signal's reason among it. A consumer that
   * reads slowly does not keep the next request waiting: its events are held for it, as many as a job can have.
   */
  generate(job: ImageJob, options: GenerateOptions & { readonly signal: AbortSignal }): AsyncGenerator<GenerationEvent>;
}

interface Ticket {
  readonly turn: Promise<void>;
  readonly call: () => void;
  readonly job: ImageJob;
  /** Of each picture. */
  readonly steps: number;
  /** In pixel-steps. */
  readonly work: number;
  /** When it came, as performance.now() tells time. */
  readonly arrived: number;
  readonly events: EventQueue<GenerationEvent>;
  remaining: number;
}

/** Retry advice where nothing is known about the model's speed yet. */
const BLIND_RETRY_MS = 2_000;

export interface QueueOptions {
  readonly card: ModelCard;
  /** How many requests may wait besides those that are made. */
  readonly maxQueue: number;
  /** How long a request waits for a process that loads. */
  readonly startMs: number;
}

export function modelQueue(process: ModelProcess, { card, maxQueue, startMs }: QueueOptions): ModelQueue {
  const { concurrency } = process;
  /** The first `concurrency` of them are made. */
  const tickets: Ticket[] = [];
  const rate = smoothedRate(() => process.warmUpSecondsPerPixelStep);
  const pending = () => tickets.reduce((sum, ticket) => sum + ticket.remaining, 0);

  function enter(job: ImageJob): Ticket {
    if (tickets.length >= concurrency + maxQueue) {
      const seconds = rate.value === undefined ? undefined : pending() * rate.value;
      throw errors.queueFull(seconds === undefined ? BLIND_RETRY_MS : seconds * 1000);
    }
    const { promise: turn, resolve: call } = Promise.withResolvers<void>();
    const steps = stepsToRun(job, process.folder);
    const work = pixelSteps({ ...job, steps }, process.folder.native);
    const events = eventQueue<GenerationEvent>(mostEvents(job));
    const ticket: Ticket = { job, steps, work, arrived: performance.now(), events, turn, call, remaining: work };
    tickets.push(ticket);
    if (tickets.length <= concurrency) call();
    return ticket;
  }

  function leave(ticket: Ticket): void {
    tickets.splice(tickets.indexOf(ticket), 1);
    // Whoever is called already stays so.
    tickets[concurrency - 1]?.call();
  }

  /** Hands the job to the model process; says how many seconds it has taken beside others' turns. */
  async function make(ticket: Ticket, options: GenerateOptions): Promise<number> {
    const { job, steps, work, events } = ticket;
    const iterator = process.generate(job, options);
    for (;;) {
      const { done, value } = await iterator.next();
      if (done) return (value.totalMs - value.waitMs) / 1000;
      if (value.type === "progress") ticket.remaining = Math.max(0, ticket.remaining - work / (job.n * steps));
      events.push(value);
    }
  }

  /** Takes a job through its turn; never rejects: the events tell how it ended. */
  async function serve(ticket: Ticket, options: GenerateOptions & { readonly signal: AbortSignal }): Promise<void> {
    const { arrived, events, work } = ticket;
    const { signal } = options;
    try {
      await untilAborted(ticket.turn, signal);
      // Whoever waited in line when the process ended has as long as one who comes then.
      const patience = Math.max(arrived, process.downSince) + startMs;
      await process.untilReady(Math.max(0, patience - performance.now()), signal);
      rate.measure(await make(ticket, options), work);
      leave(ticket);
      events.end();
    } catch (error) {
      leave(ticket);
      events.fail(error);
    }
  }

  return {
    card,
    process,
    get load() {
      return {
        id: card.id,
        state: process.state,
        running: Math.min(tickets.length, concurrency),
        queued: Math.max(tickets.length - concurrency, 0),
        concurrency,
        pending_pixel_steps: pending(),
        seconds_per_pixel_step: rate.value ?? null,
      };
    },
    async *generate(job, { signal, ...rest }) {
      const ticket = enter(job);
      // Aborted by the caller's signal, and when nobody reads any further.
      const stop = new AbortController();
      const onAbort = () => stop.abort(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
      const finished = serve(ticket, { ...rest, signal: stop.signal });
      try {
        yield* ticket.events;
      } finally {
        signal.removeEventListener("abort", onAbort);
        stop.abort();
        await finished;
      }
    },
  };
}

/** The promise, or the signal's reason as soon as it is aborted. */
function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", onAbort));
}

import type { AtomaSDK } from "atoma-sdk";
import { randomId } from "../../shared/random.ts";
import { createStore, type Store } from "../../shared/store.ts";
import type { Picture } from "../gallery/picture.ts";
import { type Drawn, drawPicture, type Order } from "./draw-picture.ts";
import type { Clock } from "./server-answers.ts";
import { secondsLeft } from "./time-left.ts";

/** How a picture stands. */
export type TaskState =
  | { readonly kind: "waiting" }
  | {
      readonly kind: "drawing";
      readonly step: number;
      readonly steps: number;
      readonly secondsLeft: number | undefined;
    }
  | { readonly kind: "reconnecting" }
  | { readonly kind: "done"; readonly picture: Picture; readonly drawn: Drawn }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "cancelled" };

/** One picture that was asked for. */
export interface Task {
  readonly id: string;
  /** Pictures that were asked for together. */
  readonly batch: string;
  readonly order: Order;
  readonly units: number;
  readonly state: TaskState;
  /** The newest unfinished picture. */
  readonly preview: Blob | undefined;
}

/** The pictures that are being made, and those that were made since the page was opened. */
export interface Easel {
  /** Newest batch first. */
  readonly tasks: Store<readonly Task[]>;
  draw(orders: readonly Order[], units: number): void;
  cancel(id: string): void;
  /** The same picture again, after it failed or was cancelled. */
  again(id: string): void;
  dismiss(id: string): void;
}

export interface EaselNeeds {
  readonly sdk: AtomaSDK;
  readonly clock: Clock;
  /** Keeps a finished picture. */
  readonly keep: (order: Order, drawn: Drawn, units: number) => Promise<Picture>;
  /** Told when a picture was charged or given up. */
  readonly onSettled: () => void;
}

/** Requests at a time; the rest wait here, where cancelling costs nothing. */
const MAX_RUNNING = 3;
/** Finished ones that are kept in memory. */
const MAX_TASKS = 40;

export const isOpen = ({ state }: Task): boolean =>
  state.kind === "waiting" || state.kind === "drawing" || state.kind === "reconnecting";

export function createEasel({ sdk, clock, keep, onSettled }: EaselNeeds): Easel {
  const tasks = createStore<readonly Task[]>([]);
  const running = new Map<string, AbortController>();

  const find = (id: string) => tasks.get().find((task) => task.id === id);
  const change = (id: string, fields: Partial<Task>) =>
    tasks.set((all) => all.map((task) => (task.id === id ? { ...task, ...fields } : task)));

  async function run(task: Task, controller: AbortController): Promise<void> {
    const { id, order, units } = task;
    let first: { readonly step: number; readonly at: number } | undefined;
    try {
      const drawn = await drawPicture(sdk, order, {
        clock,
        signal: controller.signal,
        idempotencyKey: id,
        onEvent(event) {
          if (event.type === "preview") return change(id, { preview: event.blob });
          if (event.type === "reconnecting") {
            first = undefined;
            return change(id, { state: { kind: "reconnecting" } });
          }
          const { step, steps } = event;
          first ??= { step, at: clock.now() };
          const left = secondsLeft(first, { step, steps, at: clock.now() });
          change(id, { state: { kind: "drawing", step, steps, secondsLeft: left } });
        },
      });
      const picture = await keep(order, drawn, units);
      change(id, { state: { kind: "done", picture, drawn } });
    } catch (error) {
      change(id, { state: controller.signal.aborted ? { kind: "cancelled" } : { kind: "failed", error } });
    } finally {
      running.delete(id);
      onSettled();
      next();
    }
  }

  /** Begins with the oldest that wait, as far as there is room. */
  function next(): void {
    const waiting = tasks.get().filter(({ id, state }) => state.kind === "waiting" && !running.has(id));
    for (const task of waiting.toReversed().slice(0, MAX_RUNNING - running.size)) {
      const controller = new AbortController();
      running.set(task.id, controller);
      void run(task, controller); // its failures are the task's state
    }
  }

  return {
    tasks,
    draw(orders, units) {
      const batch = randomId();
      const made = orders.map((order): Task => {
        return { id: randomId(), batch, order, units, state: { kind: "waiting" }, preview: undefined };
      });
      // The first of a batch is drawn first, and the last in the list is begun first.
      tasks.set((all) => [...made.toReversed(), ...all].filter((task, i) => i < MAX_TASKS || isOpen(task)));
      next();
    },
    cancel(id) {
      const controller = running.get(id);
      if (controller) controller.abort();
      else if (find(id)?.state.kind === "waiting") change(id, { state: { kind: "cancelled" } });
    },
    again(id) {
      const task = find(id);
      if (!task || isOpen(task)) return;
      const anew: Task = { ...task, id: randomId(), state: { kind: "waiting" }, preview: undefined };
      tasks.set((all) => all.map((other) => (other.id === id ? anew : other)));
      next();
    },
    dismiss: (id) => tasks.set((all) => all.filter((task) => task.id !== id)),
  };
}

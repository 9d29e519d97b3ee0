import type { ServerResponse } from "node:http";
import type { Timers } from "./timers.ts";

/** The generations whose responses are not finished. */
export interface InFlight {
  /** Whether new ones are to be refused. */
  readonly closing: boolean;
  add(controller: AbortController, response: ServerResponse): void;
  /** Refuses new ones, lets the others finish for `graceMs`, then aborts them with `reason`. */
  drain(graceMs: number, reason: unknown): Promise<void>;
}

export function inFlight({ setTimeout, clearTimeout }: Timers): InFlight {
  const controllers = new Set<AbortController>();
  const idle = Promise.withResolvers<void>();
  let closing = false;
  const look = () => {
    if (closing && controllers.size === 0) idle.resolve();
  };
  return {
    get closing() {
      return closing;
    },
    add: (controller, response) => {
      controllers.add(controller);
      response.once("close", () => {
        controllers.delete(controller);
        look();
      });
    },
    drain: async (graceMs, reason) => {
      closing = true;
      look();
      const timer = setTimeout(() => {
        for (const controller of controllers) controller.abort(reason);
        idle.resolve();
      }, graceMs);
      await idle.promise;
      clearTimeout(timer);
    },
  };
}

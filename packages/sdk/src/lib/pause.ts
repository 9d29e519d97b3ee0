import type { Clock } from "./clock.ts";
import type { Deadline } from "./deadline.ts";

/** Waits `ms`, or rejects as soon as the deadline has passed. */
export async function pause(clock: Clock, ms: number, deadline: Deadline): Promise<void> {
  let timer: unknown;
  const wait = new Promise<void>((resolve) => {
    timer = clock.setTimeout(resolve, ms);
  });
  await deadline.race(wait).finally(() => clock.clearTimeout(timer));
}

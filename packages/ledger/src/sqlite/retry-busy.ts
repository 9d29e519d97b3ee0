import type { Timers } from "../timers.ts";

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/** SQLite's own code for a lock that another connection has; shared-cache locks have another, and none occur here. */
const BUSY = 5;

export const isBusy = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === BUSY;

/**
 * Runs work on a SQLite file, and again while another process has it locked, for `timeoutMs`. SQLite's own busy timeout would
 * stop the event loop for as long; here it goes on between two tries. Rejects with the last try's error.
 */
export async function retryBusy<Result>(work: () => Result, timeoutMs: number, timers: Timers): Promise<Result> {
  const deadline = timers.now() + timeoutMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 2)) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || timers.now() + pause > deadline) throw error;
    }
    await new Promise<void>((resolve) => timers.setTimeout(resolve, pause));
  }
}

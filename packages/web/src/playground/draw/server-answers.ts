import { APIError, type AtomaSDK } from "atoma-sdk";

/** Time, as an argument. */
export interface Clock {
  /** Milliseconds from any fixed moment. */
  now(): number;
  setTimeout(run: () => void, ms: number): number;
  clearTimeout(timer: number): void;
}

const ASK_EVERY_MS = 1_000;
const PATIENCE_MS = 120_000;

function wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(end, ms);
    function end() {
      clock.clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    }
    signal.addEventListener("abort", end);
  });
}

/** Whether the server answers at all; that it is not ready yet is an answer, too. */
async function answers(sdk: AtomaSDK, signal: AbortSignal): Promise<boolean> {
  try {
    await sdk.health.check({ signal, retries: { strategy: "none" } });
    return true;
  } catch (error) {
    return error instanceof APIError;
  }
}

/** Resolves with true once the server answers, with false after two minutes or at the signal. */
export async function serverAnswers(sdk: AtomaSDK, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const until = clock.now() + PATIENCE_MS;
  while (!signal.aborted && clock.now() < until) {
    if (await answers(sdk, signal)) return true;
    await wait(clock, ASK_EVERY_MS, signal);
  }
  return false;
}

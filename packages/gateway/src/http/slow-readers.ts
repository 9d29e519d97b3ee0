import type { ServerResponse } from "node:http";
import { type Clock, every } from "../clock.ts";

/** What a client must take of an answer that is sent to it. */
export interface ReaderLimits {
  /** How often it is looked at. A client that stands still is cut off after this long, or twice as long at the most. */
  readonly windowMs: number;
  readonly leastBytesPerSecond: number;
}

/**
 * From now until it is disposed of or the response is closed: cuts the connection of a client that takes less than it must while
 * something waits for it. What is not there yet is no fault of the client's.
 */
export function cutSlowReader(
  response: ServerResponse,
  { windowMs, leastBytesPerSecond }: ReaderLimits,
  clock: Clock,
): Disposable {
  const { socket } = response;
  if (!socket) return { [Symbol.dispose]() {} };
  const taken = () => socket.bytesWritten - socket.writableLength;
  const least = (leastBytesPerSecond * windowMs) / 1000;
  let before = taken();
  let waited = false;
  const stop = every(clock, windowMs, () => {
    const now = taken();
    const waits = socket.writableLength > 0;
    if (waits && waited && now - before < least) socket.destroy();
    before = now;
    waited = waits;
  });
  response.once("close", stop);
  return { [Symbol.dispose]: stop };
}

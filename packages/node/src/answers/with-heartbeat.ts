/** The items of `source`, with "heartbeat" whenever none came for `quietMs`. */
export async function* withHeartbeat<T extends object>(
  source: AsyncIterable<T>,
  quietMs: number,
): AsyncGenerator<T | "heartbeat", void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let finished = false;
  try {
    let next = iterator.next();
    for (;;) {
      const { promise: quiet, resolve } = Promise.withResolvers<"heartbeat">();
      const timer = setTimeout(resolve, quietMs, "heartbeat");
      const result = await Promise.race([next, quiet]).finally(() => clearTimeout(timer));
      if (result === "heartbeat") {
        yield result;
        continue;
      }
      if (result.done) {
        finished = true;
        return;
      }
      yield result.value;
      next = iterator.next();
    }
  } catch (error) {
    finished = true;
    throw error;
  } finally {
    if (!finished) await iterator.return?.();
  }
}

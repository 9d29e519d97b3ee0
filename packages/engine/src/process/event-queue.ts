/** Items on their way from a producer that cannot wait to one consumer. */
export interface EventQueue<T> extends AsyncIterable<T> {
  /** False when the queue holds its bound already, or has ended. */
  push(item: T): boolean;
  /** The consumer gets what is queued, then the end. Later calls do nothing. */
  end(): void;
  /** The consumer gets what is queued, then the error. */
  fail(error: unknown): void;
}

export function eventQueue<T>(bound: number): EventQueue<T> {
  const items: T[] = [];
  let outcome: { error: unknown } | "ended" | undefined;
  let wake = () => {};

  const close = (how: typeof outcome) => {
    outcome ??= how;
    wake();
  };
  return {
    push: (item) => {
      if (outcome !== undefined || items.length >= bound) return false;
      items.push(item);
      wake();
      return true;
    },
    end: () => close("ended"),
    fail: (error) => close({ error }),
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const item = items.shift();
        if (item !== undefined) {
          yield item;
        } else if (outcome === undefined) {
          const { promise, resolve } = Promise.withResolvers<void>();
          wake = resolve;
          await promise;
        } else if (outcome === "ended") {
          return;
        } else {
          throw outcome.error;
        }
      }
    },
  };
}

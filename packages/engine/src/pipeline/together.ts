/**
 * The items of several generators as they come, of at most `limit` generators at a time, which begin in their order. When
 * one throws, or the reader leaves, the others are ended.
 */
export async function* together<T>(
  generators: readonly AsyncGenerator<T, void, undefined>[],
  limit: number,
): AsyncGenerator<T, void, undefined> {
  const rest = [...generators];
  type Arrival = { readonly from: AsyncGenerator<T, void, undefined>; readonly result: IteratorResult<T, void> };
  const pending = new Map<AsyncGenerator<T, void, undefined>, Promise<Arrival>>();
  const ask = (from: AsyncGenerator<T, void, undefined>) => {
    pending.set(
      from,
      from.next().then((result) => ({ from, result })),
    );
  };
  try {
    for (const first of rest.splice(0, Math.max(1, limit))) ask(first);
    while (pending.size > 0) {
      const { from, result } = await Promise.race(pending.values());
      pending.delete(from);
      if (result.done) {
        const next = rest.shift();
        if (next) ask(next);
        continue;
      }
      ask(from);
      yield result.value;
    }
  } finally {
    const asked = [...pending.values()];
    await Promise.allSettled([...pending.keys()].map((from) => from.return()));
    await Promise.allSettled(asked);
  }
}

/**
 * Waits for the first item, so that a failure before it can still be an HTTP error, and gives all items. To drop the
 * result, even unread, call its `return`: that of the source is called then.
 */
export async function begun<T>(source: AsyncGenerator<T, void, undefined>): Promise<AsyncIterableIterator<T, void>> {
  let first: IteratorResult<T, void> | undefined = await source.next();
  const items: AsyncIterableIterator<T, void> = {
    next: async () => {
      if (!first) return source.next();
      const result = first;
      first = undefined;
      return result;
    },
    return: async () => source.return(),
    [Symbol.asyncIterator]: () => items,
  };
  return items;
}

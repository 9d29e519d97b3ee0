import { type Result, unwrap } from "./fp.ts";

/** Fetches the next page; null after the last. */
export type Paginator<V> = () => Promise<V & { next: Paginator<V> }> | null;

/** A page that all pages from it on can be iterated over from. */
export type PageIterator<V, PageState = unknown> = V & {
  next: Paginator<V>;
  [Symbol.asyncIterator]: () => AsyncIterableIterator<V>;
  "~next"?: PageState | undefined;
};

/**
 * Iterates over a page and those after it.
 * @param halt true for the page that is the last
 */
export function createPageIterator<V>(
  page: V & { next: Paginator<V> },
  halt: (page: V) => boolean,
): { [Symbol.asyncIterator]: () => AsyncIterableIterator<V> } {
  return {
    async *[Symbol.asyncIterator]() {
      for (let current: typeof page | null = page; current; current = halt(current) ? null : await current.next()) {
        yield current;
      }
    },
  };
}

/** A page that is the only one. */
export function haltIterator<V extends object>(page: V): PageIterator<V, undefined> {
  return {
    ...page,
    next: () => null,
    async *[Symbol.asyncIterator]() {
      yield page;
    },
  };
}

/** The pages behind results. Rejects, or throws in the iteration, with the error of the first that has one. */
export async function unwrapResultIterator<V, PageState>(
  pages: Promise<PageIterator<Result<V, unknown>, PageState>>,
): Promise<PageIterator<V, PageState>> {
  const first = await pages;
  return {
    ...unwrap<V>(first),
    next: unwrapped(first.next),
    "~next": first["~next"],
    async *[Symbol.asyncIterator]() {
      for await (const page of first) yield unwrap<V>(page);
    },
  };
}

function unwrapped<V>(next: Paginator<Result<V, unknown>>): Paginator<V> {
  return () => next()?.then((page) => ({ ...unwrap<V>(page), next: unwrapped(page.next) })) ?? null;
}

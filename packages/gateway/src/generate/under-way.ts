import type { KeyId } from "@atoma/ledger";
import type { Caller } from "./identify.ts";
import { rateLimited } from "./refused-keys.ts";

/**
 * Counts the requests of each key from their hold until their answer has left. The ledger counts holds, which end before the first
 * byte is sent: without this a key could have any number of answers under way that nobody reads.
 */
export interface UnderWay {
  /** Throws ApiError 429 while as many are under way as the key may have at a time. */
  check(caller: Caller): void;
  /** One more, until it is disposed of. Throws as `check`. */
  enter(caller: Caller): Disposable;
}

const RETRY_MS = 1000;

export function openUnderWay(): UnderWay {
  const counts = new Map<KeyId, number>();

  function check({ id, limits: { concurrentRequests } }: Caller): void {
    if (concurrentRequests === null || (counts.get(id) ?? 0) < concurrentRequests) return;
    throw rateLimited("concurrency", concurrentRequests, 0, RETRY_MS);
  }

  return {
    check,
    enter(caller) {
      check(caller);
      const { id } = caller;
      counts.set(id, (counts.get(id) ?? 0) + 1);
      let over = false;
      return {
        [Symbol.dispose]() {
          if (over) return;
          over = true;
          const left = (counts.get(id) ?? 1) - 1;
          if (left > 0) counts.set(id, left);
          else counts.delete(id);
        },
      };
    },
  };
}

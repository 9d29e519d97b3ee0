import type { AccountId, KeyId } from "../ids.ts";
import type { Store } from "./store.ts";
import type { Balance, KeyRights, UsageIncrement } from "./types.ts";

/**
 * One batch over a store: a balance and a key are read once, and a balance and a day's usage are written once, however
 * many operations touch them. `flush` writes them; what is not flushed never happened.
 */
export interface Batch {
  store: Store;
  now: number;
  /** The UTC day of `now`, `YYYY-MM-DD`. */
  day: string;
  idempotencyRetentionMs: number;
  /** The balance to read and to change in place. */
  balance(id: AccountId): Balance | undefined;
  key(id: KeyId): KeyRights | undefined;
  addUsage(usage: UsageIncrement): void;
  flush(): void;
}

export function openBatch(store: Store, now: number, idempotencyRetentionMs: number): Batch {
  const balances = new Map<AccountId, { stored: Balance; current: Balance }>();
  const keys = new Map<KeyId, KeyRights | undefined>();
  const usages = new Map<string, UsageIncrement>();

  function balance(id: AccountId): Balance | undefined {
    const known = balances.get(id);
    if (known !== undefined) return known.current;
    const stored = store.balance(id);
    if (stored === undefined) return undefined;
    const current = { ...stored };
    balances.set(id, { stored, current });
    return current;
  }

  function key(id: KeyId): KeyRights | undefined {
    if (!keys.has(id)) keys.set(id, store.key(id));
    return keys.get(id);
  }

  function addUsage(usage: UsageIncrement): void {
    const name = `${usage.day} ${usage.keyId} ${usage.model}`;
    const known = usages.get(name);
    if (known === undefined) {
      usages.set(name, { ...usage });
      return;
    }
    known.requests += usage.requests;
    known.images += usage.images;
    known.units += usage.units;
  }

  function flush(): void {
    for (const [id, { stored, current }] of balances) {
      if (stored.posted !== current.posted || stored.pending !== current.pending) store.saveBalance(id, current);
    }
    for (const usage of usages.values()) store.addUsage(usage);
  }

  const day = new Date(now).toISOString().slice(0, 10);
  return { store, now, day, idempotencyRetentionMs, balance, key, addUsage, flush };
}

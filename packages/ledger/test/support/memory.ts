import type { Store } from "../../src/core/store.ts";
import type {
  Balance,
  IdempotencyRecord,
  JournalEntry,
  KeyRights,
  StoredHold,
  UsageIncrement,
  WindowSecond,
} from "../../src/core/types.ts";

/** A store in memory with transactions, for the simulator: what is not committed can be taken back, as by a crash. */
export interface MemoryStore extends Store {
  balances: Map<string, Balance>;
  keys: Map<string, KeyRights>;
  holds: Map<string, StoredHold>;
  journal: JournalEntry[];
  idempotencies: Map<string, IdempotencyRecord & { expiresAt: number | null }>;
  windows: Map<string, Map<number, WindowSecond>>;
  usages: UsageIncrement[];
  commit(): void;
  rollback(): void;
  clean(now: number): void;
}

export function memoryStore(): MemoryStore {
  const balances = new Map<string, Balance>();
  const keys = new Map<string, KeyRights>();
  const holds = new Map<string, StoredHold>();
  const held = new Map<string, StoredHold>();
  const journal: JournalEntry[] = [];
  const idempotencies: MemoryStore["idempotencies"] = new Map();
  const windows: MemoryStore["windows"] = new Map();
  const usages: UsageIncrement[] = [];
  let undo: (() => void)[] = [];

  function set<Value>(map: Map<string, Value>, name: string, value: Value | undefined): void {
    const before = map.get(name);
    undo.push(() => (before === undefined ? map.delete(name) : map.set(name, before)));
    if (value === undefined) map.delete(name);
    else map.set(name, value);
  }

  function append<Thing>(list: Thing[], thing: Thing): void {
    list.push(thing);
    undo.push(() => list.pop());
  }

  return {
    balances,
    keys,
    holds,
    journal,
    idempotencies,
    windows,
    usages,
    commit() {
      undo = [];
    },
    rollback() {
      for (const step of undo.reverse()) step();
      undo = [];
    },
    clean(now) {
      for (const [name, record] of idempotencies) {
        if (record.expiresAt !== null && record.expiresAt <= now) idempotencies.delete(name);
      }
      for (const seconds of windows.values()) {
        for (const [second, use] of seconds) if (use.lastAt <= now - 60_000) seconds.delete(second);
      }
    },

    balance: (id) => balances.get(id),
    key: (id) => keys.get(id),
    hold: (id) => holds.get(id),
    idempotency: (accountId, key) => idempotencies.get(`${accountId} ${key}`),
    window: (keyId, after) =>
      [...(windows.get(keyId)?.values() ?? [])]
        .filter((use) => use.lastAt > after)
        .sort((left, right) => left.lastAt - right.lastAt),
    leases: (keyId, now) => [...held.values()].filter((hold) => hold.keyId === keyId && hold.deadline > now).length,
    overdue: (now, limit) =>
      [...held.values()]
        .filter((hold) => hold.deadline <= now)
        .sort((left, right) => left.deadline - right.deadline)
        .slice(0, limit),

    saveBalance: (id, balance) => set(balances, id, { ...balance }),
    insertHold(hold) {
      if (holds.has(hold.id)) return false;
      set(holds, hold.id, hold);
      set(held, hold.id, hold);
      return true;
    },
    resolveHold(id, resolution) {
      const hold = holds.get(id);
      if (hold === undefined) throw new Error(`no hold ${id}`);
      set(holds, id, { ...hold, ...resolution });
      set(held, id, undefined);
    },
    appendJournal: (entry) => append(journal, entry),
    startIdempotency: (accountId, key, record) =>
      set(idempotencies, `${accountId} ${key}`, { ...record, expiresAt: null }),
    finishIdempotency(accountId, key, response, expiresAt) {
      const record = idempotencies.get(`${accountId} ${key}`);
      if (record !== undefined) set(idempotencies, `${accountId} ${key}`, { ...record, response, expiresAt });
    },
    freeIdempotency: (accountId, key) => set(idempotencies, `${accountId} ${key}`, undefined),
    countInWindow(keyId, use) {
      const seconds = windows.get(keyId) ?? new Map<number, WindowSecond>();
      windows.set(keyId, seconds);
      const before = seconds.get(use.second);
      undo.push(() => (before === undefined ? seconds.delete(use.second) : seconds.set(use.second, before)));
      seconds.set(use.second, {
        second: use.second,
        requests: (before?.requests ?? 0) + use.requests,
        images: (before?.images ?? 0) + use.images,
        lastAt: Math.max(before?.lastAt ?? 0, use.lastAt),
      });
    },
    addUsage: (usage) => append(usages, usage),
  };
}

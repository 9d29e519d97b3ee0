import { grant } from "../../src/admin/accounts.ts";
import { clean } from "../../src/admin/clean.ts";
import { updateKey } from "../../src/admin/keys.ts";
import { verify } from "../../src/admin/verify.ts";
import type * as coreModule from "../../src/core/apply.ts";
import type { Balance, HoldFacts, KeyRights, Operation, OperationResult } from "../../src/core/types.ts";
import { GRANTED } from "../../src/core/types.ts";
import type { AccountId, HoldId, KeyId } from "../../src/ids.ts";
import { query, type Script } from "../../src/sql/script.ts";
import { openSqlite } from "../../src/sqlite/database.ts";
import { migrateSqlite } from "../../src/sqlite/migrate.ts";
import { sqliteStore } from "../../src/sqlite/store.ts";
import { memoryStore } from "./memory.ts";

export type Core = Pick<typeof coreModule, "applyOperations" | "applyExpiry">;

/** Whether a transaction reaches its commit, or the gateway dies before it. */
export type Fate = "commit" | "crash";

export const RETENTION_MS = 86_400_000;

/** What the simulator drives: the ledger's core over some store. */
export interface Backend {
  createAccount(id: AccountId): void;
  createKey(id: KeyId, rights: KeyRights): void;
  changeKey(id: KeyId, rights: KeyRights): void;
  grant(id: AccountId, units: number, reference: string): void;
  /** The results, or undefined after a crash before the commit. */
  apply(operations: readonly Operation[], now: number, fate: Fate): OperationResult[] | undefined;
  expire(now: number, limit: number, fate: Fate): number | undefined;
  clean(now: number): void;
  balance(id: AccountId): Balance | undefined;
  hold(id: HoldId): HoldFacts | undefined;
  /** What the journal and the holds say against the balances. */
  discrepancies(): unknown[];
  close(): void;
}

export function memoryBackend(core: Core): Backend {
  const store = memoryStore();

  function transaction<Result>(fate: Fate, work: () => Result): Result | undefined {
    const result = work();
    if (fate === "crash") store.rollback();
    store.commit();
    return fate === "crash" ? undefined : result;
  }

  function discrepancies(): unknown[] {
    const found: unknown[] = [];
    const expected = new Map<string, Balance>();
    const of = (id: string): Balance => {
      const known = expected.get(id) ?? { credits: 0, posted: 0, pending: 0 };
      expected.set(id, known);
      return known;
    };
    const journaled = new Map<string, number>();
    for (const entry of store.journal) {
      if (entry.kind === "grant") of(entry.credit).credits += entry.units;
      else of(entry.debit).posted += entry.units;
      if (entry.debit === entry.credit || entry.units <= 0) found.push(entry);
      if (journaled.has(entry.id)) found.push({ twice: entry });
      journaled.set(entry.id, entry.units);
    }
    for (const hold of store.holds.values()) {
      if (hold.state === "held") of(hold.accountId).pending += hold.units;
      if (hold.postedUnits !== (journaled.get(hold.id) ?? 0) || hold.postedUnits > hold.units) found.push(hold);
    }
    for (const [id, balance] of store.balances) {
      const { credits, posted, pending } = of(id);
      const same = balance.credits === credits && balance.posted === posted && balance.pending === pending;
      if (!same || credits - posted - pending < 0) found.push({ id, balance, expected: of(id) });
    }
    return found;
  }

  return {
    createAccount: (id) => store.balances.set(id, { credits: 0, posted: 0, pending: 0 }),
    createKey: (id, rights) => store.keys.set(id, rights),
    changeKey: (id, rights) => store.keys.set(id, rights),
    grant(id, units, reference) {
      const balance = store.balances.get(id) ?? { credits: 0, posted: 0, pending: 0 };
      store.balances.set(id, { ...balance, credits: balance.credits + units });
      store.journal.push({ id: `grant:${id}:${reference}`, kind: "grant", debit: GRANTED, credit: id, units, at: 0 });
    },
    apply: (operations, now, fate) =>
      transaction(fate, () => core.applyOperations(store, operations, now, RETENTION_MS)),
    expire: (now, limit, fate) => transaction(fate, () => core.applyExpiry(store, now, limit)),
    clean: (now) => store.clean(now),
    balance: (id) => store.balance(id),
    hold: (id) => store.hold(id),
    discrepancies,
    close: () => {},
  };
}

class SimulatedCrash extends Error {}

const INSERT_ACCOUNT = "INSERT INTO accounts (id, name, created_at) VALUES ($1, $1, 0)";
const INSERT_KEY = `INSERT INTO keys (id, account_id, name, secret_hash, last_four, created_at)
  VALUES ($1, $2, $1, zeroblob(32), 'xxxx', 0)`;
const SET_STATE = "UPDATE keys SET disabled_at = $2, revoked_at = $3 WHERE id = $1";

function* statement(sql: string, ...values: (string | number | null)[]): Script<void> {
  yield query(sql, ...values);
}

export function sqliteBackend(core: Core, path: string): Backend {
  const database = openSqlite(path, 2_000);
  migrateSqlite(database, 0);
  const store = sqliteStore(database);

  function transaction<Result>(fate: Fate, work: () => Result): Result | undefined {
    try {
      return database.transaction(() => {
        const result = work();
        if (fate === "crash") throw new SimulatedCrash();
        return result;
      });
    } catch (error) {
      if (error instanceof SimulatedCrash) return undefined;
      throw error;
    }
  }

  function changeKey(id: KeyId, rights: KeyRights): void {
    const { expiresAt, allowedModels, limits, disabledAt, revokedAt } = rights;
    const change = { name: undefined, responseFormat: undefined, expiresAt, allowedModels, limits };
    database.run(updateKey(id, change, "simulator", 0));
    database.run(statement(SET_STATE, id, disabledAt, revokedAt));
  }

  return {
    createAccount: (id) => database.run(statement(INSERT_ACCOUNT, id)),
    createKey(id, rights) {
      database.run(statement(INSERT_KEY, id, rights.accountId));
      changeKey(id, rights);
    },
    changeKey,
    grant(accountId, units, reference) {
      database.transaction(() => database.run(grant({ accountId, units, reference, memo: "", actor: "simulator" }, 0)));
    },
    apply: (operations, now, fate) =>
      transaction(fate, () => core.applyOperations(store, operations, now, RETENTION_MS)),
    expire: (now, limit, fate) => transaction(fate, () => core.applyExpiry(store, now, limit)),
    clean: (now) => void database.run(clean(now, 1_000)),
    balance: (id) => store.balance(id),
    hold: (id) => store.hold(id),
    discrepancies: () => database.run(verify()),
    close: () => database.close(),
  };
}

import { randomBytes } from "node:crypto";
import {
  type AccountId,
  type HoldId,
  type KeyId,
  type Ledger,
  type NewKey,
  newHoldId,
  openLedger,
  type ReserveRequest,
  type ReserveResult,
} from "../../src/index.ts";
import type { Timers } from "../../src/timers.ts";

/** A database that the tests of one engine share. */
export interface TestDatabase {
  url: string;
  /** Runs SQL behind the ledger's back. */
  execute(sql: string): Promise<void>;
  /** The rows of a query behind the ledger's back. */
  rows(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Keeps voided holds behind the ledger's back; `ids` is a query of one column, `id`. */
  keepVoided(ids: string, accountId: AccountId): Promise<void>;
  /** Another database, empty. */
  another(): Promise<TestDatabase>;
  stop(): Promise<void>;
}

/** An account with a key. */
export interface Customer {
  accountId: AccountId;
  keyId: KeyId;
  key: string;
}

/** Two gateways over one database, and a clock that only the tests move. */
export interface World {
  database: TestDatabase;
  clock: { now: number };
  a: Ledger;
  b: Ledger;
  customer(units: number, key?: Partial<NewKey>): Promise<Customer>;
  /** A reservation of one image for 10 units that expires in 60 s, but for what is said. */
  request(customer: Customer, changes?: Partial<ReserveRequest>): ReserveRequest;
  /** Reserves and insists. */
  hold(customer: Customer, changes?: Partial<ReserveRequest>): Promise<HoldId>;
  close(): Promise<void>;
}

export async function createWorld(database: TestDatabase, timers?: Timers): Promise<World> {
  const clock = { now: Date.UTC(2026, 2, 1, 12) };
  const now = () => clock.now;
  const a = await openLedger(database.url, { now, timers });
  const b = await openLedger(database.url, { now, timers });

  async function customer(units: number, key: Partial<NewKey> = {}): Promise<Customer> {
    const account = await a.createAccount({ name: "a customer" });
    if (units > 0) await a.grant(account.id, units, { reference: "first" });
    const created = await a.createKey({ name: "a key", ...key, accountId: account.id });
    return { accountId: account.id, keyId: created.record.id, key: created.key };
  }

  function request(of: Customer, changes: Partial<ReserveRequest> = {}): ReserveRequest {
    return {
      holdId: newHoldId(clock.now, randomBytes),
      accountId: of.accountId,
      keyId: of.keyId,
      requestId: "req_1",
      model: "tiny",
      images: 1,
      units: 10,
      price: { multiplier: 1000, size: "1x10" },
      deadline: clock.now + 60_000,
      ...changes,
    };
  }

  async function hold(of: Customer, changes: Partial<ReserveRequest> = {}): Promise<HoldId> {
    const asked = request(of, changes);
    const answer = await a.reserve(asked);
    if (answer.outcome !== "held") throw new Error(`refused: ${answer.outcome}`);
    return answer.holdId;
  }

  return {
    database,
    clock,
    a,
    b,
    customer,
    request,
    hold,
    async close() {
      await Promise.all([a.close(), b.close()]);
    },
  };
}

export function countOutcomes(results: readonly ReserveResult[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of results) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

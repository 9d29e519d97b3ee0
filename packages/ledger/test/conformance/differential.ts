import assert from "node:assert/strict";
import { it } from "node:test";
import { MIN_SHARE } from "../../src/batcher.ts";
import { applyOperations } from "../../src/core/apply.ts";
import type { Operation, OperationResult, ReserveOperation } from "../../src/core/types.ts";
import { type HoldId, holdIdFrom, type Ledger, LedgerInputError } from "../../src/index.ts";
import { RETENTION_MS } from "../support/backends.ts";
import { memoryStore } from "../support/memory.ts";
import { seededRandom } from "../support/random.ts";
import type { Customer, World } from "../support/world.ts";

const SEED = process.env.ATOMA_SEED === undefined ? Date.now() % 2 ** 32 : Number(process.env.ATOMA_SEED);
const BATCHES = 150;

const LIMITS = [
  {},
  { requestsPerMinute: 6 },
  { imagesPerMinute: 9 },
  { concurrentRequests: 2 },
  { requestsPerMinute: 8, imagesPerMinute: 12, concurrentRequests: 4 },
];

async function answer(ledger: Ledger, operation: Operation): Promise<OperationResult> {
  try {
    if (operation.kind === "void") return await ledger.void(operation);
    if (operation.kind === "settle")
      return await ledger.settle({ ...operation, response: operation.response ?? undefined });
    return await ledger.reserve({ ...operation, price: {}, idempotency: operation.idempotency ?? undefined });
  } catch (error) {
    if (error instanceof LedgerInputError && error.code === "hold_id_reused") {
      return { outcome: "rejected", code: error.code };
    }
    if (error instanceof LedgerInputError && error.code === "units_exceed_hold") {
      return { outcome: "rejected", code: error.code, held: 0 };
    }
    throw error;
  }
}

// How much is held is in the error's message only.
const comparable = (result: OperationResult): OperationResult =>
  result.outcome === "rejected" && result.code === "units_exceed_hold" ? { ...result, held: 0 } : result;

export function differentialTests(world: () => World): void {
  it(`are those of the pure core, batch for batch (ATOMA_SEED=${SEED})`, async () => {
    const { a, clock, customer } = world();
    const random = seededRandom(SEED);
    const store = memoryStore();
    const customers: Customer[] = [];
    for (const limits of LIMITS) {
      const units = random.integer(500, 3_000);
      const someone = await customer(units, { limits, allowedModels: random.chance(0.3) ? ["tiny"] : null });
      const rights = (await a.findKey(someone.keyId)) ?? assert.fail();
      store.balances.set(someone.accountId, { credits: units, posted: 0, pending: 0 });
      store.keys.set(someone.keyId, rights);
      customers.push(someone);
    }
    let serial = 0;
    const known: HoldId[] = [holdIdFrom("hold_never")];

    function reservation(): ReserveOperation {
      const someone = random.pick(customers);
      const repeated = random.chance(0.04);
      serial += 1;
      const holdId = repeated ? random.pick(known) : holdIdFrom(`hold_${SEED}_${serial}`);
      known.push(holdId);
      const fingerprint = random.chance(0.8) ? "one" : "two";
      return {
        kind: "reserve",
        holdId,
        accountId: random.chance(0.03) ? random.pick(customers).accountId : someone.accountId,
        keyId: someone.keyId,
        requestId: "request",
        model: random.chance(0.8) ? "tiny" : "large",
        images: random.integer(1, 3),
        units: random.integer(1, 120),
        price: "{}",
        deadline: clock.now + random.integer(1, 20_000),
        idempotency: random.chance(0.4) ? { key: `key-${random.integer(1, 15)}`, fingerprint } : null,
      };
    }

    function operation(): Operation {
      if (random.chance(0.5)) return reservation();
      const holdId = random.pick(known.slice(-60));
      if (random.chance(0.3)) return { kind: "void", holdId };
      return {
        kind: "settle",
        holdId,
        units: random.integer(1, 90),
        response: random.chance(0.9) ? `of ${holdId}` : null,
      };
    }

    for (let count = 0; count < BATCHES; count++) {
      // Now and then the clock steps back.
      clock.now += random.chance(0.1) ? -random.integer(1, 90_000) : random.integer(0, 9_000);
      // No more than go to one lane: of two lanes nobody knows which decides first.
      const batch = Array.from({ length: random.integer(1, MIN_SHARE) }, operation);
      const expected = applyOperations(store, batch, clock.now, RETENTION_MS).map(comparable);
      store.commit();
      const found = await Promise.all(batch.map((asked) => answer(a, asked)));
      assert.deepEqual(found, expected, `batch ${count}`);
    }
    for (const { accountId } of customers) {
      const account = (await a.getAccount(accountId)) ?? assert.fail();
      const { credits, posted, pending } = account;
      assert.deepEqual({ credits, posted, pending }, store.balance(accountId));
    }
    assert.deepEqual(await a.verify(), []);
  });
}

import assert from "node:assert/strict";
import { it } from "node:test";
import { countOutcomes, type World } from "../support/world.ts";

const HOUR_MS = 3_600_000;

export function idempotencyTests(world: () => World): void {
  it("runs one of 50 parallel requests with one idempotency key, over two gateways", async () => {
    const { a, b, customer, request } = world();
    const someone = await customer(1_000);
    const idempotency = { key: "order-1", fingerprint: "f1" };
    const ask = (index: number) => (index % 2 === 0 ? a : b).reserve(request(someone, { idempotency }));
    const results = await Promise.all(Array.from({ length: 50 }, (_, index) => ask(index)));
    assert.deepEqual(countOutcomes(results), { held: 1, in_progress: 49 });
    assert.equal((await a.getAccount(someone.accountId))?.pending, 10);

    const held = results.find((result) => result.outcome === "held") ?? assert.fail();
    assert(held.outcome === "held");
    await a.settle({ holdId: held.holdId, units: 10, response: '{"created":1}' });
    const replays = await Promise.all(Array.from({ length: 50 }, (_, index) => ask(index)));
    for (const replay of replays) {
      assert.deepEqual(replay, { outcome: "replay", holdId: held.holdId, response: '{"created":1}' });
    }
    assert.equal((await a.getAccount(someone.accountId))?.posted, 10);
  });

  it("refuses the key to another body, whether the first runs or is done", async () => {
    const { a, b, customer, hold, request } = world();
    const someone = await customer(1_000);
    const holdId = await hold(someone, { idempotency: { key: "k", fingerprint: "one" } });
    const other = () => b.reserve(request(someone, { idempotency: { key: "k", fingerprint: "two" } }));
    assert.deepEqual(await other(), { outcome: "idempotency_key_reused" });
    await a.settle({ holdId, units: 1, response: "{}" });
    assert.deepEqual(await other(), { outcome: "idempotency_key_reused" });
  });

  it("decides about one key within one batch", async () => {
    const { a, customer, request } = world();
    const someone = await customer(1_000);
    const ask = (fingerprint: string) => a.reserve(request(someone, { idempotency: { key: "k", fingerprint } }));
    const outcomes = (await Promise.all([ask("one"), ask("one"), ask("two")])).map(({ outcome }) => outcome);
    assert.deepEqual(outcomes, ["held", "in_progress", "idempotency_key_reused"]);
  });

  it("frees the key when the hold is voided or expires", async () => {
    const { a, b, customer, hold, request, clock } = world();
    const someone = await customer(1_000);
    const idempotency = { key: "k", fingerprint: "f" };
    await a.void({ holdId: await hold(someone, { idempotency }) });
    await hold(someone, { idempotency, deadline: clock.now + 100 });
    clock.now += 100;
    const waiting = await b.reserve(request(someone, { idempotency }));
    assert(waiting.outcome === "in_progress" && waiting.retryAfterMs > 0);
    await b.sweep();
    assert.equal((await b.reserve(request(someone, { idempotency }))).outcome, "held");
  });

  it("keeps the key of one account from another", async () => {
    const { customer, hold } = world();
    const idempotency = { key: "same", fingerprint: "f" };
    await hold(await customer(10), { idempotency });
    await hold(await customer(10), { idempotency });
  });

  it("does not keep the key of a refused request", async () => {
    const { a, customer, request } = world();
    const someone = await customer(10);
    const idempotency = { key: "k", fingerprint: "f" };
    assert.equal((await a.reserve(request(someone, { idempotency, units: 11 }))).outcome, "insufficient_balance");
    assert.equal((await a.reserve(request(someone, { idempotency, units: 10 }))).outcome, "held");
  });

  it("replays for 24 hours after the settlement, and then forgets", async () => {
    const { a, b, customer, hold, request, clock } = world();
    const someone = await customer(1_000);
    const idempotency = { key: "k", fingerprint: "f" };
    const holdId = await hold(someone, { idempotency });
    clock.now += 30_000;
    await a.settle({ holdId, units: 10, response: "the answer" });
    clock.now += 24 * HOUR_MS - 1;
    await b.sweep();
    assert.equal((await b.reserve(request(someone, { idempotency }))).outcome, "replay");
    clock.now += 1;
    await b.sweep();
    assert.equal((await b.reserve(request(someone, { idempotency }))).outcome, "held");
  });

  it("replays without balance and beyond the limits, but not to a revoked key", async () => {
    const { a, customer, hold, request } = world();
    const someone = await customer(10, { limits: { requestsPerMinute: 1, concurrentRequests: 1 } });
    const idempotency = { key: "k", fingerprint: "f" };
    await a.settle({
      holdId: await hold(someone, { idempotency }),
      units: 10,
      response: 'with "quotes", \\ and {braces}',
    });
    const replay = await a.reserve(request(someone, { idempotency }));
    assert(replay.outcome === "replay");
    assert.equal(replay.response, 'with "quotes", \\ and {braces}');
    await a.revokeKey(someone.keyId);
    assert.equal((await a.reserve(request(someone, { idempotency }))).outcome, "key_invalid");
  });
}

import assert from "node:assert/strict";
import { it } from "node:test";
import { countOutcomes, type World } from "../support/world.ts";

export function limitTests(world: () => World): void {
  it("admits so many requests a minute over both gateways, and tells what is left", async () => {
    const { a, b, customer, request } = world();
    const someone = await customer(10_000, { limits: { requestsPerMinute: 5 } });
    const first = await a.reserve(request(someone));
    assert(first.outcome === "held");
    assert.deepEqual(first.limits, { requests: { limit: 5, remaining: 4 }, images: null, concurrency: null });
    const rest = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? a : b).reserve(request(someone)));
    assert.deepEqual(countOutcomes(await Promise.all(rest)), { held: 4, rate_limited: 36 });
    assert.deepEqual(await b.reserve(request(someone)), {
      outcome: "rate_limited",
      limit: "requests",
      limitValue: 5,
      remaining: 0,
      retryAfterMs: 60_000,
    });
  });

  it("counts a sliding minute and admits after exactly the wait it named", async () => {
    const { a, customer, request, clock } = world();
    const someone = await customer(10_000, { limits: { requestsPerMinute: 2 } });
    clock.now += 1_000 - (clock.now % 1_000);
    const ask = () => a.reserve(request(someone, { deadline: clock.now + 1 }));
    assert.equal((await ask()).outcome, "held");
    clock.now += 40_000;
    assert.equal((await ask()).outcome, "held");
    clock.now += 10_000;
    const refused = await ask();
    assert(refused.outcome === "rate_limited");
    assert.equal(refused.retryAfterMs, 10_000);
    clock.now += refused.retryAfterMs - 1;
    assert.equal((await ask()).outcome, "rate_limited");
    clock.now += 1;
    assert.equal((await ask()).outcome, "held");
    const again = await ask();
    assert(again.outcome === "rate_limited");
    assert.equal(again.retryAfterMs, 40_000);
  });

  it("counts images, and every image of a request", async () => {
    const { a, customer, request, clock } = world();
    const someone = await customer(10_000, { limits: { imagesPerMinute: 10 } });
    const first = await a.reserve(request(someone, { images: 7 }));
    assert(first.outcome === "held");
    assert.deepEqual(first.limits.images, { limit: 10, remaining: 3 });
    clock.now += 20_000;
    const refused = await a.reserve(request(someone, { images: 4 }));
    assert.deepEqual(refused, {
      outcome: "rate_limited",
      limit: "images",
      limitValue: 10,
      remaining: 3,
      retryAfterMs: 40_000,
    });
    assert.equal((await a.reserve(request(someone, { images: 3 }))).outcome, "held");
    const never = await a.reserve(request(someone, { images: 11 }));
    assert(never.outcome === "rate_limited" && never.limitValue === 10);
  });

  it("decides about images within one batch, one request after another", async () => {
    const { a, customer, request } = world();
    const someone = await customer(10_000, { limits: { imagesPerMinute: 10 } });
    const asked = [6, 6, 3, 2, 1].map((images) => a.reserve(request(someone, { images })));
    const outcomes = (await Promise.all(asked)).map(({ outcome }) => outcome);
    assert.deepEqual(outcomes, ["held", "rate_limited", "held", "rate_limited", "held"]);
  });

  it("lets so many run at once; a settlement, a void and a deadline each make room", async () => {
    const { a, b, customer, hold, request, clock } = world();
    const someone = await customer(10_000, { limits: { concurrentRequests: 3 } });
    const first = await hold(someone);
    const second = await hold(someone);
    await hold(someone, { deadline: clock.now + 5_000 });
    const refused = await b.reserve(request(someone));
    assert(refused.outcome === "rate_limited");
    assert.deepEqual([refused.limit, refused.limitValue, refused.remaining], ["concurrency", 3, 0]);
    await a.settle({ holdId: first, units: 1 });
    await b.void({ holdId: second });
    const both = await Promise.all([
      b.reserve(request(someone)),
      a.reserve(request(someone)),
      b.reserve(request(someone)),
    ]);
    assert.deepEqual(countOutcomes(both), { held: 2, rate_limited: 1 });
    clock.now += 5_000;
    assert.equal((await a.reserve(request(someone))).outcome, "held");
  });

  it("takes nothing for a refused request", async () => {
    const { a, customer, request, database } = world();
    const someone = await customer(25, { limits: { requestsPerMinute: 3, imagesPerMinute: 3, concurrentRequests: 2 } });
    const refused = [
      request(someone, { units: 26 }),
      request(someone, { images: 4 }),
      request(someone, { units: 26, idempotency: { key: "k", fingerprint: "f" } }),
    ];
    for (const asked of refused) assert.notEqual((await a.reserve(asked)).outcome, "held");
    for (const asked of refused) assert.equal(await a.getHold(asked.holdId), undefined);
    assert.deepEqual(await database.rows(`SELECT * FROM rate_windows WHERE key_id = '${someone.keyId}'`), []);
    assert.deepEqual(await database.rows(`SELECT * FROM idempotency WHERE account_id = '${someone.accountId}'`), []);
    const first = await a.reserve(request(someone));
    assert(first.outcome === "held");
    assert.deepEqual(first.limits, {
      requests: { limit: 3, remaining: 2 },
      images: { limit: 3, remaining: 2 },
      concurrency: { limit: 2, remaining: 1 },
    });
    assert.equal(first.available, 15);
  });

  it("takes nothing, whatever it is refused for, and however many are refused together", async () => {
    const { a, b, customer, hold, request, database, clock } = world();
    const limits = { requestsPerMinute: 100, imagesPerMinute: 100, concurrentRequests: 100 };
    const someone = await customer(1_000, { limits, allowedModels: ["tiny"] });
    const stranger = await customer(1_000);
    const idempotency = { key: "done", fingerprint: "f" };
    await a.settle({ holdId: await hold(someone, { idempotency }), units: 10, response: "{}" });
    await hold(someone, { idempotency: { key: "runs", fingerprint: "f" }, deadline: clock.now + 600_000 });
    const change = (of: Parameters<typeof a.updateKey>[1]) => () => a.updateKey(someone.keyId, of);
    const limited = (tight: object) => change({ limits: { ...limits, ...tight } });
    const nothing = async () => {};
    type Case = [outcome: string, before: () => Promise<unknown>, asked: Parameters<typeof request>[1]];
    const cases: Case[] = [
      ["model_not_allowed", nothing, { model: "other" }],
      ["key_invalid", nothing, { keyId: stranger.keyId }],
      ["idempotency_key_reused", nothing, { idempotency: { key: "done", fingerprint: "other" } }],
      ["in_progress", nothing, { idempotency: { key: "runs", fingerprint: "f" } }],
      ["replay", nothing, { idempotency }],
      ["insufficient_balance", nothing, { units: 981 }],
      ["rate_limited", limited({ requestsPerMinute: 2 }), { images: 3 }],
      ["rate_limited", limited({ imagesPerMinute: 4 }), { images: 3 }],
      ["rate_limited", limited({ concurrentRequests: 1 }), { images: 3 }],
      ["key_invalid", change({ limits, expiresAt: clock.now }), {}],
      [
        "key_invalid",
        () => a.updateKey(someone.keyId, { expiresAt: null }).then(() => a.disableKey(someone.keyId)),
        {},
      ],
      ["key_invalid", () => a.revokeKey(someone.keyId), {}],
    ];
    const standing = async () => ({
      account: await a.getAccount(someone.accountId),
      windows: await database.rows(`SELECT * FROM rate_windows WHERE key_id = '${someone.keyId}' ORDER BY second`),
      idempotency: await database.rows(
        `SELECT * FROM idempotency WHERE account_id = '${someone.accountId}' ORDER BY key`,
      ),
      holds: await database.rows(`SELECT id, state FROM holds WHERE account_id = '${someone.accountId}' ORDER BY id`),
    });
    const before = await standing();
    assert.equal(before.windows.length, 1);
    for (const [outcome, prepare, changes] of cases) {
      await prepare();
      const fresh = outcome === "rate_limited" ? { idempotency: { key: "new", fingerprint: "f" } } : {};
      const asked = Array.from({ length: 5 }, (_, index) =>
        (index % 2 === 0 ? a : b).reserve(request(someone, { ...fresh, ...changes })),
      );
      assert.deepEqual(countOutcomes(await Promise.all(asked)), { [outcome]: 5 }, JSON.stringify(changes));
      assert.deepEqual(await standing(), before, `${outcome} ${JSON.stringify(changes)}`);
    }
  });

  it("names the balance before the limits: waiting does not mend it", async () => {
    const { a, customer, request } = world();
    const someone = await customer(5, { limits: { requestsPerMinute: 0 } });
    assert.equal((await a.reserve(request(someone))).outcome, "insufficient_balance");
    assert.equal((await a.reserve(request(someone, { units: 5 }))).outcome, "rate_limited");
  });

  it("forgets old windows in the sweep", async () => {
    const { a, customer, hold, clock, database } = world();
    const someone = await customer(10_000, { limits: { requestsPerMinute: 100 } });
    await hold(someone);
    const windows = () => database.rows(`SELECT * FROM rate_windows WHERE key_id = '${someone.keyId}'`);
    assert.equal((await windows()).length, 1);
    clock.now += 60_000;
    while ((await a.sweep()).more);
    assert.equal((await windows()).length, 0);
  });

  it("obeys changed limits at once", async () => {
    const { a, b, customer, request } = world();
    const someone = await customer(10_000, { limits: { requestsPerMinute: 1 } });
    assert.equal((await a.reserve(request(someone))).outcome, "held");
    assert.equal((await a.reserve(request(someone))).outcome, "rate_limited");
    const changed = await b.updateKey(someone.keyId, { limits: { requestsPerMinute: 2 } });
    assert.deepEqual(changed.limits, { requestsPerMinute: 2, imagesPerMinute: null, concurrentRequests: null });
    assert.equal((await a.reserve(request(someone))).outcome, "held");
    assert.equal((await a.reserve(request(someone))).outcome, "rate_limited");
  });

  it("counts what runs already when a key gets its first limit of requests at once", async () => {
    const { a, b, customer, hold, request } = world();
    const someone = await customer(10_000);
    const running = await hold(someone);
    await hold(someone);
    await b.updateKey(someone.keyId, { limits: { concurrentRequests: 2 } });
    assert.equal((await a.reserve(request(someone))).outcome, "rate_limited");
    await b.updateKey(someone.keyId, { limits: { concurrentRequests: null } });
    await hold(someone);
    await b.updateKey(someone.keyId, { limits: { concurrentRequests: 3 } });
    assert.equal((await a.reserve(request(someone))).outcome, "rate_limited");
    await a.settle({ holdId: running, units: 1 });
    assert.equal((await a.reserve(request(someone))).outcome, "held");
  });
}

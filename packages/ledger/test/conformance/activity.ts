import assert from "node:assert/strict";
import { it } from "node:test";
import { type ActivityCount, type ActivityFilter, latencyClass } from "../../src/index.ts";
import type { Customer, World } from "../support/world.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export function activityTests(world: () => World): void {
  const count = (of: Customer, ms: number, changes: Partial<ActivityCount> = {}): ActivityCount => ({
    hour: world().clock.now,
    accountId: of.accountId,
    keyId: of.keyId,
    model: "tiny",
    outcome: "succeeded",
    latency: latencyClass(ms),
    requests: 1,
    images: 1,
    units: 10,
    ...changes,
  });
  const series = (of: Customer, changes: Partial<ActivityFilter> = {}) => {
    const { now } = world().clock;
    const filter = { from: now - DAY, to: now + DAY, hours: 1, group: "none", accountId: of.accountId } as const;
    return world().b.activity.series({ ...filter, ...changes });
  };

  it("adds what several gateways counted, and gives it by hour, with percentiles of what succeeded", async () => {
    const { a, b, clock, customer } = world();
    const someone = await customer(0);
    const fast = Array.from({ length: 98 }, () => count(someone, 100));
    // One statement twice in a batch, and one batch from each gateway at the same time.
    await Promise.all([a.activity.add(fast.slice(0, 50)), b.activity.add(fast.slice(50))]);
    await a.activity.add([
      count(someone, 1000),
      count(someone, 9000),
      count(someone, 50_000, { outcome: "failed", images: 0, units: 0 }),
    ]);
    const [point, ...more] = await series(someone);
    assert.deepEqual(more, []);
    assert.ok(point);
    const { p50Ms, p95Ms, p99Ms, ...figures } = point;
    assert.deepEqual(figures, {
      start: clock.now - (clock.now % HOUR),
      group: "",
      requests: 101,
      succeeded: 100,
      refused: 0,
      failed: 1,
      left: 0,
      images: 100,
      units: 1000,
    });
    for (const [found, wanted] of [
      [p50Ms, 100],
      [p95Ms, 100],
      [p99Ms, 1000],
    ] as const) {
      assert.ok(found !== null && Math.abs(found - wanted) <= 0.045 * wanted, `${found} for ${wanted}`);
    }
  });

  it("gives points of a day, and one for each account, key or model", async () => {
    const { a, clock, customer } = world();
    const [first, second] = [await customer(0), await customer(0)];
    const noon = Math.floor(clock.now / DAY) * DAY + 12 * HOUR;
    await a.activity.add([
      count(first, 10, { hour: noon, model: "one" }),
      count(first, 10, { hour: noon + 11 * HOUR, model: "two", outcome: "refused", images: 0, units: 0 }),
      count(first, 10, { hour: noon + 12 * HOUR, model: "two", outcome: "left", images: 0 }),
      count(second, 10, { hour: noon, model: "one" }),
    ]);
    const range = { from: noon - DAY, to: noon + 2 * DAY, hours: 24 };
    const days = await series(first, range);
    assert.deepEqual(
      days.map(({ start, requests, refused, left, p50Ms }) => [start, requests, refused, left, p50Ms]),
      [
        [noon - 12 * HOUR, 2, 1, 0, 10],
        [noon + 12 * HOUR, 1, 0, 1, null],
      ],
    );
    const models = await series(first, { ...range, group: "model" });
    assert.deepEqual(
      models.map(({ group }) => group),
      ["one", "two", "two"],
    );
    const accounts = await series(first, { ...range, group: "account", accountId: undefined, model: "one" });
    const found = accounts.map(({ group }) => group).filter((id) => id === first.accountId || id === second.accountId);
    assert.equal(found.length, 2);
    const keys = await series(first, { ...range, group: "key", accountId: undefined, keyId: second.keyId });
    assert.deepEqual(
      keys.map(({ group }) => group),
      [second.keyId],
    );
  });

  it("refuses what is no count and no range, and writes nothing of it", async () => {
    const { a, customer } = world();
    const someone = await customer(0);
    for (const wrong of [{ requests: -1 }, { latency: 193 }, { model: "nul\0" }, { units: 1.5 }, { hour: -1 }]) {
      const refused = a.activity.add([count(someone, 10), count(someone, 10, wrong)]);
      await assert.rejects(refused, { code: "invalid_argument" });
    }
    assert.deepEqual(await series(someone), []);
    await assert.rejects(series(someone, { from: 0 }), { code: "invalid_argument" });
  });

  it("is forgotten after 400 days", async () => {
    const { a, clock, customer } = world();
    const someone = await customer(0);
    const began = clock.now;
    await a.activity.add([count(someone, 10)]);
    clock.now += 399 * DAY;
    await a.sweep();
    const range = { from: began - HOUR, to: began + HOUR };
    assert.equal((await series(someone, range)).length, 1);
    clock.now += 2 * DAY;
    while ((await a.sweep()).more);
    assert.deepEqual(await series(someone, range), []);
  });
}

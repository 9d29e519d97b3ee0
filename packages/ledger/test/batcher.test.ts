import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createBatcher } from "../src/batcher.ts";
import { LedgerUnavailableError } from "../src/errors.ts";
import { manualTimers } from "./support/manual-timers.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A database whose batches the test ends by hand. */
function scripted(options: { lanes?: number; maxBatch?: number; timeoutMs?: number } = {}) {
  const timers = manualTimers();
  const batches: { items: readonly number[]; end: PromiseWithResolvers<number[]> }[] = [];
  const batcher = createBatcher<number, number>({
    apply(items) {
      const end = Promise.withResolvers<number[]>();
      batches.push({ items, end });
      return end.promise;
    },
    lanes: 1,
    maxBatch: 100,
    maxQueue: 1_000,
    timeoutMs: 10_000,
    timers,
    ...options,
  });
  const finish = (index: number) => {
    const batch = batches[index] ?? assert.fail(`no batch ${index}`);
    batch.end.resolve(batch.items.map((item) => item * 10));
  };
  return { batcher, finish, sizes: () => batches.map(({ items }) => items.length), batches, timers };
}

describe("group commit", () => {
  it("takes what comes in one turn, and what gathers behind it, together", async () => {
    const { batcher, finish, sizes } = scripted();
    const first = [1, 2, 3].map((item) => batcher.submit(item));
    await turn();
    const second = [4, 5].map((item) => batcher.submit(item));
    await turn();
    const third = batcher.submit(6);
    await turn();
    assert.deepEqual(sizes(), [3]);
    finish(0);
    assert.deepEqual(await Promise.all(first), [10, 20, 30]);
    await turn();
    assert.deepEqual(sizes(), [3, 3]);
    finish(1);
    assert.deepEqual(await Promise.all([...second, third]), [40, 50, 60]);
  });

  it("shares many operations out among the lanes, also when their clients come back together", async () => {
    const { batcher, finish, sizes } = scripted({ lanes: 2, maxBatch: 500 });
    const submit = (count: number) => Array.from({ length: count }, (_, item) => batcher.submit(item));
    const first = submit(300);
    await turn();
    assert.deepEqual(sizes(), [150, 150]);
    finish(0);
    await Promise.all(first.slice(0, 150));
    const second = submit(150);
    await turn();
    assert.deepEqual(sizes(), [150, 150, 150]);
    for (const index of [1, 2]) finish(index);
    await Promise.all([...first, ...second]);
    const few = submit(16);
    await turn();
    assert.deepEqual(sizes(), [150, 150, 150, 16]);
    finish(3);
    await Promise.all(few);
  });

  it("has so many batches under way, of so many operations each", async () => {
    const { batcher, finish, sizes } = scripted({ lanes: 2, maxBatch: 4 });
    const all = Array.from({ length: 10 }, (_, item) => batcher.submit(item));
    await turn();
    assert.deepEqual(sizes(), [4, 4]);
    finish(1);
    // One turn for the clients who come back, and one for the next batch.
    await turn();
    await turn();
    assert.deepEqual(sizes(), [4, 4, 2]);
    finish(0);
    finish(2);
    assert.deepEqual(
      await Promise.all(all),
      Array.from({ length: 10 }, (_, item) => item * 10),
    );
  });

  it("fails a batch together, and goes on", async () => {
    const { batcher, finish, batches } = scripted();
    const failing = [1, 2].map((item) => batcher.submit(item));
    await turn();
    batches[0]?.end.reject(new Error("disk"));
    for (const result of await Promise.allSettled(failing)) assert.equal(result.status, "rejected");
    const next = batcher.submit(3);
    await turn();
    finish(1);
    assert.equal(await next, 30);
  });

  it("gives up on a database that does not answer, for what is under way and for what waits", async () => {
    const { batcher, finish, timers } = scripted({ timeoutMs: 20 });
    const underWay = Promise.allSettled([batcher.submit(1)]);
    await turn();
    await timers.advance(5);
    const waiting = Promise.allSettled([batcher.submit(2)]);
    await turn();
    await timers.advance(15);
    const results = [...(await underWay)];
    await timers.advance(5);
    results.push(...(await waiting));
    for (const result of results) {
      assert(result.status === "rejected" && result.reason instanceof LedgerUnavailableError);
      assert.equal(result.reason.reason, "timeout");
    }
    finish(0);
    const next = batcher.submit(3);
    await turn();
    await turn();
    finish(1);
    assert.equal(await next, 30);
  });

  it("is idle when nothing waits and nothing is under way", async () => {
    const { batcher, finish } = scripted();
    await batcher.idle();
    const submitted = batcher.submit(1);
    const events: string[] = [];
    const idle = batcher.idle().then(() => events.push("idle"));
    await turn();
    await turn();
    assert.deepEqual(events, []);
    finish(0);
    await submitted;
    await idle;
  });
});

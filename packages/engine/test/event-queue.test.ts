import assert from "node:assert/strict";
import { test } from "node:test";
import { eventQueue } from "../src/process/event-queue.ts";

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

test("items come in order, then the end", async () => {
  const queue = eventQueue<number>(3);
  assert.ok(queue.push(1));
  assert.ok(queue.push(2));
  queue.end();
  assert.deepEqual(await all(queue), [1, 2]);
});

test("a consumer that waits gets what comes later", async () => {
  const queue = eventQueue<number>(1);
  const items = all(queue);
  setImmediate(() => {
    queue.push(5);
    setImmediate(queue.end);
  });
  assert.deepEqual(await items, [5]);
});

test("a failure comes after what was queued before it", async () => {
  const queue = eventQueue<number>(2);
  queue.push(1);
  queue.fail(new Error("broken"));
  queue.end();
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const item of queue) seen.push(item);
  }, /broken/);
  assert.deepEqual(seen, [1]);
});

test("a full or ended queue takes nothing", () => {
  const queue = eventQueue<number>(1);
  assert.ok(queue.push(1));
  assert.equal(queue.push(2), false);
  queue.end();
  assert.equal(queue.push(3), false);
});

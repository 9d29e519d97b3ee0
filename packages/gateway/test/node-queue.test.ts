import assert from "node:assert/strict";
import { test } from "node:test";
import { type NodeQueue, nodeQueue, type Wanted } from "../src/routing/node-queue.ts";
import { manualClock } from "./support/manual-clock.ts";

interface Node {
  readonly name: string;
}

const FACTS = { maxConcurrent: 1, ready: true, draining: false };

const start = (maxQueue = 100): NodeQueue<Node> =>
  nodeQueue({ clock: manualClock(), random: Math.random, maxQueue, queueTimeoutMs: 60_000, onUnreachable() {} });

const wanted = (signal: AbortSignal, account = "a"): Wanted<Node> => ({
  account,
  model: "m",
  work: 1,
  suits: () => true,
  asked: new Set(),
  lostBy: new Set(),
  returning: false,
  waitedMs: 0,
  signal,
});

test("S-077 who leaves while waiting is out of the queue at once, not at the next timer", async () => {
  const queue = start();
  const node = { name: "n" };
  queue.put(node, FACTS);
  const stays = new AbortController();
  const lease = await queue.acquire(wanted(stays.signal));
  const leaving = new AbortController();
  const waiting = Promise.resolve(queue.acquire(wanted(leaving.signal)));
  assert.equal(queue.waiting(), 1);
  const why = new Error("left");
  leaving.abort(why);
  assert.equal(queue.waiting(), 0);
  await assert.rejects(waiting, why);
  lease.ended("made");
  assert.equal(queue.inFlight(node), 0);
  assert.throws(() => queue.acquire(wanted(leaving.signal)), why);
  queue.close();
});

test("many thousands that come and leave, or are turned away, are forgotten", async () => {
  const queue = start(50);
  const node = { name: "n" };
  queue.put(node, FACTS);
  const lease = await queue.acquire(wanted(new AbortController().signal));
  async function comeAndGo(count: number): Promise<void> {
    for (let i = 0; i < count; i += 100) {
      const all = Array.from({ length: 100 }, (_, k) => {
        const leaving = new AbortController();
        const outcome = (async () => queue.acquire(wanted(leaving.signal, `account ${i + k}`)))().catch(() => {});
        return { leaving, outcome };
      });
      assert.equal(queue.waiting(), 50);
      for (const { leaving } of all) leaving.abort();
      await Promise.all(all.map(({ outcome }) => outcome));
    }
  }
  const heap = async () => {
    for (let i = 0; i < 3; i++) {
      globalThis.gc?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return process.memoryUsage().heapUsed;
  };
  await comeAndGo(30_000);
  const before = await heap();
  await comeAndGo(30_000);
  const grown = (await heap()) - before;
  assert.ok(grown < 50 * 30_000, `${grown} bytes`);
  assert.equal(queue.waiting(), 0);
  lease.ended("made");
  assert.equal(queue.inFlight(node), 0);
  queue.close();
});

test("a node that is removed finishes what it does; what waited goes to another", async () => {
  const queue = start();
  const [old, fresh] = [{ name: "n" }, { name: "n" }];
  const { signal } = new AbortController();
  queue.put(old, FACTS);
  const lease = await queue.acquire(wanted(signal));
  const waiting = queue.acquire(wanted(signal));
  queue.put(fresh, FACTS);
  const second = await waiting;
  assert.equal(second.node, fresh);
  let gone = false;
  const removed = queue.remove(old).then(() => {
    gone = true;
  });
  await Promise.resolve();
  assert.equal(gone, false);
  lease.ended("made");
  await removed;
  second.ended("made");
  queue.close();
});

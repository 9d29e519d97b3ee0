import assert from "node:assert/strict";
import { test } from "node:test";
import { type ImageJob, parseImageRequest } from "@atoma/contract";
import { closeNode, type Node, openNode } from "../src/nodes/node.ts";
import { type NodeQueue, nodeQueue, type Wanted } from "../src/routing/node-queue.ts";
import { card } from "./support/scripted-node.ts";

const job: ImageJob = parseImageRequest({ model: "scripted", prompt: "p" }, { findModel: () => card });
const start = (maxQueue = 100): NodeQueue => nodeQueue({ random: Math.random, maxQueue, queueTimeoutMs: 60_000 });

function newNode(maxConcurrent = 1): Node {
  const node = openNode({ name: "n", url: "http://127.0.0.1:9", maxConcurrent }, new Map());
  node.ready = true;
  return node;
}

const wanted = (signal: AbortSignal, account = "a"): Wanted => ({
  account,
  asked: new Set(),
  lostBy: new Set(),
  returning: false,
  waitedMs: 0,
  signal,
});

test("S-077 who leaves while waiting is out of the queue at once, not at the next timer", async () => {
  const dispatch = start();
  const node = newNode();
  dispatch.put(node);
  const stays = new AbortController();
  const lease = await dispatch.acquire(job, () => true, wanted(stays.signal));
  const leaving = new AbortController();
  const waiting = dispatch.acquire(job, () => true, wanted(leaving.signal));
  assert.equal(dispatch.waiting(), 1);
  const why = new Error("left");
  leaving.abort(why);
  assert.equal(dispatch.waiting(), 0);
  await assert.rejects(waiting, why);
  lease.ended("made");
  assert.equal(dispatch.inFlight(node), 0);
  await assert.rejects(
    dispatch.acquire(job, () => true, wanted(leaving.signal)),
    why,
  );
  dispatch.close();
  await closeNode(node);
});

test("many thousands that come and leave, or are turned away, are forgotten", async () => {
  const dispatch = start(50);
  const node = newNode();
  dispatch.put(node);
  const lease = await dispatch.acquire(job, () => true, wanted(new AbortController().signal));
  async function comeAndGo(count: number): Promise<void> {
    for (let i = 0; i < count; i += 100) {
      const all = Array.from({ length: 100 }, (_, k) => {
        const leaving = new AbortController();
        const outcome = dispatch.acquire(job, () => true, wanted(leaving.signal, `account ${i + k}`)).catch(() => {});
        return { leaving, outcome };
      });
      assert.equal(dispatch.waiting(), 50);
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
  assert.equal(dispatch.waiting(), 0);
  lease.ended("made");
  assert.equal(dispatch.inFlight(node), 0);
  dispatch.close();
  await closeNode(node);
});

test("a node that is removed finishes what it does; what waited goes to another", async () => {
  const dispatch = start();
  const [old, fresh] = [newNode(), newNode()];
  const { signal } = new AbortController();
  dispatch.put(old);
  const lease = await dispatch.acquire(job, () => true, wanted(signal));
  const waiting = dispatch.acquire(job, () => true, wanted(signal));
  dispatch.put(fresh);
  const second = await waiting;
  assert.equal(second.node, fresh);
  let gone = false;
  const removed = dispatch.remove(old).then(() => {
    gone = true;
  });
  await Promise.resolve();
  assert.equal(gone, false);
  lease.ended("made");
  await removed;
  second.ended("made");
  dispatch.close();
  await Promise.all([closeNode(old), closeNode(fresh)]);
});

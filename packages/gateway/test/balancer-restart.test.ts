import assert from "node:assert/strict";
import { test } from "node:test";
import { balancer } from "../src/routing/balancer.ts";
import type { Decision, Ticket } from "../src/routing/types.ts";
import { seeded } from "./support/cluster-simulation.ts";

// What a request that no node has begun waits for, and how long.
const UP = { maxConcurrent: 1, ready: true, draining: false, expectedUntil: Number.POSITIVE_INFINITY };
const AWAY = { ...UP, ready: false, expectedUntil: 30_000 };

const ticket = (fields: Partial<Ticket> = {}): Ticket => ({
  account: "a",
  model: "m",
  work: 100,
  waitUntil: 60_000,
  suits: () => true,
  asked: new Set(),
  ...fields,
});
const start = () => balancer({ random: seeded(3), maxQueue: 100 });

/** Enters a request and gives what becomes of it at once. */
function enter(balance: ReturnType<typeof start>, one: Ticket, now: number, returning = false): Decision | undefined {
  balance.enter(one, now, returning);
  const decisions = balance.decide(now);
  assert.ok(decisions.length <= 1);
  return decisions[0];
}

test("what every node has refused goes to the first that has become ready, at once", () => {
  const balance = start();
  balance.put("x", UP);
  balance.put("y", UP);
  const asked = new Set<string>();
  for (const turn of [0, 1]) {
    const one = ticket({ asked: new Set(asked) });
    const placed = enter(balance, one, 0, turn > 0);
    assert.ok(placed && "node" in placed && !asked.has(placed.node), "another one first");
    asked.add(placed.node);
    balance.ended(one, placed.node, { busyForMs: 4_000 }, 0);
  }
  const back = ticket({ asked });
  assert.equal(enter(balance, back, 0, true), undefined);
  assert.equal(balance.wakeAt(0), 4_000);
  balance.put("x", AWAY);
  balance.put("y", AWAY);
  assert.deepEqual(balance.decide(500), []);
  balance.put("y", UP);
  assert.deepEqual(balance.decide(2_000), [{ ticket: back, node: "y" }]);
});

test("a node that was there is waited for as long as it is expected back, and no longer than a request may wait", () => {
  for (const { waitUntil, until } of [
    { waitUntil: 60_000, until: 30_000 },
    { waitUntil: 5_000, until: 5_000 },
  ]) {
    const balance = start();
    balance.put("x", AWAY);
    const first = ticket({ waitUntil });
    assert.deepEqual(enter(balance, first, 0), { ticket: first, node: "x" }, "it may have come back already");
    balance.ended(first, "x", "unreachable", 0);
    const back = ticket({ waitUntil, asked: new Set(["x"]) });
    assert.equal(enter(balance, back, 0, true), undefined);
    assert.equal(balance.wakeAt(0), until);
    assert.deepEqual(balance.decide(until - 1), []);
    assert.deepEqual(balance.decide(until), [{ ticket: back, refused: "unreachable" }]);
  }
});

test("S-086 a node that was never there, or has been away for long, is not waited for", () => {
  for (const expectedUntil of [undefined, 0, 999]) {
    const balance = start();
    balance.put("x", { ...AWAY, expectedUntil });
    const one = ticket({ asked: new Set(["x"]) });
    assert.deepEqual(enter(balance, one, 1_000), { ticket: one, refused: "unreachable" });
  }
});

test("where every node leaves, a request waits for one that takes its place", () => {
  const balance = start();
  balance.put("x", { ...UP, draining: true, expectedUntil: 30_000 });
  const one = ticket();
  assert.equal(enter(balance, one, 0), undefined);
  balance.put("z", UP);
  assert.deepEqual(balance.decide(10), [{ ticket: one, node: "z" }]);
  const other = ticket({ suits: (node) => node === "x" });
  assert.equal(enter(balance, other, 10), undefined);
  assert.deepEqual(balance.decide(30_000), [{ ticket: other, refused: "overloaded", retryAfterMs: 2_000 }]);
});

test("a node that keeps refusing is asked ever less often, whatever it says, and never after the request's time", () => {
  const balance = start();
  balance.put("x", UP);
  const asked = new Set(["x"]);
  let now = 0;
  let times = 0;
  for (; ; times++) {
    const one = ticket({ asked });
    const at = now;
    let decision = enter(balance, one, now, true);
    while (!decision) {
      now = balance.wakeAt(now) ?? assert.fail("nobody wakes it");
      [decision] = balance.decide(now);
    }
    if ("refused" in decision) {
      assert.equal(decision.refused, "overloaded");
      break;
    }
    assert.ok(times === 0 || now - at >= Math.min(5_000, 100 * 2 ** (times - 1)), `asked again after ${now - at} ms`);
    balance.ended(one, "x", { busyForMs: 1 }, now);
  }
  assert.ok(now <= 60_000 && times > 5 && times < 25, `${times} times in ${now} ms`);
});

test("a node that comes back is tried at once, whatever it did before it went", () => {
  const balance = start();
  balance.put("x", { ...UP, maxConcurrent: 20 });
  const lost = Array.from({ length: 10 }, () => ticket());
  for (const one of lost) enter(balance, one, 0);
  balance.put("x", AWAY);
  for (const one of lost) balance.ended(one, "x", "failed", 100);
  const waiting = [ticket({ asked: new Set(["x"]) }), ticket({ asked: new Set(["x"]) })];
  for (const one of waiting) assert.equal(enter(balance, one, 100), undefined);
  balance.put("x", UP);
  const [trial] = balance.decide(101);
  assert.ok(trial && "node" in trial);
  assert.deepEqual(balance.decide(101), [], "the others wait for how that goes");
  balance.ended(trial.ticket, "x", "made", 200);
  assert.equal(balance.decide(200).length, 1);
});

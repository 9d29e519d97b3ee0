import assert from "node:assert/strict";
import { test } from "node:test";
import { balancer } from "../src/routing/balancer.ts";
import { circuitBreaker } from "../src/routing/circuit-breaker.ts";
import { fairQueue } from "../src/routing/fair-queue.ts";
import type { Decision, Ticket } from "../src/routing/types.ts";
import { percentile, seeded, simulateBalancer, simulateRoundRobin } from "./support/cluster-simulation.ts";

const READY = { maxConcurrent: 1, ready: true, draining: false };

function ticket(fields: Partial<Ticket> = {}): Ticket {
  return {
    account: "a",
    model: "m",
    work: 100,
    waitUntil: Number.POSITIVE_INFINITY,
    suits: () => true,
    asked: new Set(),
    ...fields,
  };
}

const start = (options: Partial<Parameters<typeof balancer>[0]> = {}) =>
  balancer({ random: seeded(1), maxQueue: 100, ...options });

const nodeOf = (decision: Decision | undefined) => (decision && "node" in decision ? decision.node : undefined);
const refusalOf = (decision: Decision | undefined) =>
  decision && "refused" in decision ? decision.refused : undefined;

test("one of four nodes ten times slower: p95 within 1.2 times that of three healthy ones; round robin is far off", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    for (const load of [0.3, 0.6, 0.8]) {
      const world = (speeds: number[]) => ({ speeds, load, requests: 4000, random: seeded(seed) });
      const three = percentile(simulateBalancer(world([1, 1, 1]), 4).latencies, 0.95);
      const mixed = simulateBalancer(world([1, 1, 1, 10]), 4);
      const p95 = percentile(mixed.latencies, 0.95);
      const turns = percentile(simulateRoundRobin(world([1, 1, 1, 10])).latencies, 0.95);
      const figures = `seed ${seed}, load ${load}: three ${three.toFixed(0)}, mixed ${p95.toFixed(0)}, turns ${turns.toFixed(0)}`;
      assert.ok(p95 <= 1.2 * three, figures);
      assert.ok(turns > 3 * three, figures);
    }
  }
});

test("nodes of one speed share the work; one that was never measured is tried", () => {
  const { share } = simulateBalancer({ speeds: [1, 1, 1, 1], load: 0.7, requests: 4000, random: seeded(9) }, 4);
  for (const count of share.values()) assert.ok(count > 800 && count < 1200, String([...share]));
});

test("a node that says it needs no time at all is taken for one that does not tell", () => {
  const balance = start();
  for (const id of ["x", "y"]) balance.put(id, { ...READY, maxConcurrent: 1000 });
  balance.report("x", { pendingPixelSteps: 0, secondsPerPixelStep: new Map([["m", 0]]) });
  const counts = { x: 0, y: 0 };
  for (let i = 0; i < 1000; i++) {
    balance.enter(ticket(), 0);
    const node = nodeOf(balance.decide(0)[0]);
    assert.ok(node === "x" || node === "y");
    counts[node]++;
  }
  assert.ok(Math.abs(counts.x - counts.y) < 100, JSON.stringify(counts));
});

test("a node that lost a request gets it again only where no other one is free", () => {
  for (let seed = 0; seed < 20; seed++) {
    const balance = start({ random: seeded(seed) });
    balance.put("loses", { ...READY, maxConcurrent: 9 });
    balance.put("other", READY);
    const lost = () => ticket({ lostBy: new Set(["loses"]) });
    for (const node of ["other", "loses"]) {
      balance.enter(lost(), 0, true);
      assert.equal(nodeOf(balance.decide(0)[0]), node);
    }
  }
});

test("a node never has more than its limit, and each request is decided once", () => {
  const random = seeded(7);
  const balance = start({ random, maxQueue: 40 });
  const limits = new Map([
    ["x", 1],
    ["y", 3],
    ["z", 5],
  ]);
  for (const [id, maxConcurrent] of limits) balance.put(id, { ...READY, maxConcurrent });
  const running: { ticket: Ticket; node: string }[] = [];
  const open = new Set<Ticket>();
  const outcomes = ["made", "answered", "failed", "abandoned", "unreachable", { busyForMs: 50 }] as const;
  let now = 0;
  for (let step = 0; step < 5000; step++) {
    now += Math.floor(random() * 20);
    const dice = random();
    if (dice < 0.5) {
      const fresh = ticket({ account: `a${Math.floor(random() * 5)}`, work: 1 + random(), waitUntil: now + 500 });
      open.add(fresh);
      balance.enter(fresh, now);
    } else if (dice < 0.55) {
      const [left] = [...open].filter((t) => !running.some((r) => r.ticket === t));
      if (left) {
        balance.leave(left);
        open.delete(left);
      }
    } else if (running.length > 0) {
      const [{ ticket: ended, node } = assert.fail()] = running.splice(Math.floor(random() * running.length), 1);
      open.delete(ended);
      balance.ended(ended, node, outcomes[Math.floor(random() * outcomes.length)] ?? "made", now);
    }
    for (const decision of balance.decide(now)) {
      assert.ok(open.has(decision.ticket), "decided once");
      if ("node" in decision) {
        assert.ok(!running.some((r) => r.ticket === decision.ticket));
        running.push(decision);
      } else open.delete(decision.ticket);
    }
    for (const [id, limit] of limits) {
      assert.equal(balance.inFlight(id), running.filter(({ node }) => node === id).length);
      assert.ok(balance.inFlight(id) <= limit);
    }
    assert.equal(balance.waiting, open.size - running.length);
    const wake = balance.wakeAt(now);
    assert.ok(wake === undefined || wake > now, "no busy loop");
    if (balance.waiting > 0 && running.length === 0) assert.ok(wake !== undefined, "nobody waits for ever");
  }
});

test("accounts take turns: a hundred requests of one do not keep another's waiting", () => {
  const balance = start({ maxQueue: 1000 });
  balance.put("x", READY);
  for (let i = 0; i < 100; i++) balance.enter(ticket({ account: "greedy" }), 0);
  balance.enter(ticket({ account: "modest" }), 0);
  const order: string[] = [];
  for (let [decision] = balance.decide(0); decision && "node" in decision; [decision] = balance.decide(0)) {
    order.push(decision.ticket.account);
    balance.ended(decision.ticket, decision.node, "made", 0);
  }
  assert.equal(order.length, 101);
  assert.ok(order.indexOf("modest") <= 2, `its turn was ${order.indexOf("modest")}`);
});

test("a full line: whoever has most in it gives way; others get in", () => {
  const line = fairQueue<{ account: string; i: number }>(4);
  for (let i = 0; i < 4; i++) assert.equal(line.add({ account: "greedy", i }, "last"), undefined);
  assert.deepEqual(line.add({ account: "greedy", i: 4 }, "last"), { account: "greedy", i: 4 });
  assert.deepEqual(line.add({ account: "modest", i: 0 }, "last"), { account: "greedy", i: 3 });
  assert.deepEqual(line.add({ account: "other", i: 0 }, "last"), { account: "greedy", i: 2 });
  assert.deepEqual([...line].length, 4);
  const taken = Array.from({ length: 4 }, () => line.take(() => true)?.account);
  assert.deepEqual(taken, ["greedy", "modest", "other", "greedy"]);
  assert.equal(line.size, 0);
});

test("who came back from a node that did not begin is first in its line", () => {
  const balance = start();
  balance.put("x", READY);
  const [running, waiting, back] = [ticket(), ticket(), ticket()];
  balance.enter(running, 0);
  balance.decide(0);
  balance.enter(waiting, 0);
  balance.enter(back, 0, true);
  balance.ended(running, "x", "made", 5);
  assert.equal(balance.decide(5)[0]?.ticket, back);
});

test("a circuit opens after five failures in a row, lets one try, and closes when that goes well", () => {
  const breaker = circuitBreaker();
  for (let i = 0; i < 4; i++) breaker.failed(0, false);
  breaker.succeeded();
  for (let i = 0; i < 5; i++) {
    assert.ok(breaker.allows(0));
    breaker.failed(0, false);
  }
  assert.ok(!breaker.allows(999));
  for (let i = 0; i < 20; i++) breaker.failed(10, false);
  assert.ok(breaker.allows(1000), "what was under way does not keep it open for longer");
  assert.equal(breaker.begin(1000), true);
  assert.ok(!breaker.allows(1000), "only one tries");
  breaker.failed(1000, false);
  breaker.abandoned(false);
  assert.ok(!breaker.allows(1000), "others do not end the trial");
  breaker.abandoned(true);
  assert.ok(breaker.allows(1000), "a trial whose client left says nothing");
  breaker.begin(1000);
  breaker.failed(1500, true);
  assert.ok(!breaker.allows(3499) && breaker.allows(3500), "twice as long");
  breaker.begin(3500);
  breaker.succeeded();
  assert.ok(breaker.allows(3500));
});

/** Has a node fail until its circuit opens for as long as that. */
function breakCircuit(balance: ReturnType<typeof start>, node: string, openings: number): number {
  let now = 0;
  for (let i = 0; i < 4 + openings; i++) {
    const failing = ticket({ suits: (id) => id === node });
    balance.enter(failing, now);
    const [decision] = balance.decide(now);
    assert.equal(nodeOf(decision), node);
    balance.ended(failing, node, "failed", now);
    if (i >= 4) now += 1000 * 2 ** (i - 4);
  }
  return now;
}

test("a node whose circuit is open is avoided; with no other its requests wait for it, if that is soon", () => {
  const balance = start();
  balance.put("bad", { ...READY, maxConcurrent: 9 });
  assert.equal(breakCircuit(balance, "bad", 1), 1000);
  const waiting = ticket();
  balance.enter(waiting, 100);
  assert.deepEqual(balance.decide(999), []);
  assert.equal(balance.wakeAt(999), 1000);
  const behind = ticket();
  balance.enter(behind, 999);
  assert.deepEqual(balance.decide(1000), [{ ticket: waiting, node: "bad" }], "one tries");
  balance.put("good", { ...READY, maxConcurrent: 9 });
  assert.deepEqual(balance.decide(1000), [{ ticket: behind, node: "good" }]);
  for (let i = 0; i < 5; i++) {
    balance.enter(ticket(), 1001);
    assert.equal(nodeOf(balance.decide(1001)[0]), "good");
  }
});

test("a node that fails for long is not waited for: its requests are told when it may be tried", () => {
  const balance = start();
  balance.put("bad", { ...READY, maxConcurrent: 9 });
  const opensAt = breakCircuit(balance, "bad", 4);
  balance.enter(ticket(), opensAt - 7900);
  const [refused] = balance.decide(opensAt - 7900);
  assert.deepEqual(
    [refusalOf(refused), refused && "retryAfterMs" in refused && refused.retryAfterMs],
    ["overloaded", 7900],
  );
});

test("a busy node is left alone until it said to come back", () => {
  const balance = start();
  balance.put("x", READY);
  const first = ticket();
  balance.enter(first, 0);
  balance.decide(0);
  balance.ended(first, "x", { busyForMs: 700 }, 0);
  balance.enter(ticket({ waitUntil: 300 }), 0);
  const [tooLate] = balance.decide(0);
  assert.deepEqual(
    [refusalOf(tooLate), tooLate && "retryAfterMs" in tooLate && tooLate.retryAfterMs],
    ["overloaded", 700],
  );
  const patient = ticket({ waitUntil: 5000 });
  balance.enter(patient, 0);
  assert.deepEqual(balance.decide(699), []);
  assert.equal(balance.wakeAt(0), 700);
  assert.equal(balance.decide(700)[0]?.ticket, patient);
});

test("who waits too long is refused with how long the backlog takes", () => {
  const balance = start();
  balance.put("x", READY);
  balance.report("x", { pendingPixelSteps: 0, secondsPerPixelStep: new Map([["m", 0.02]]) });
  balance.enter(ticket(), 0);
  balance.decide(0);
  balance.enter(ticket({ waitUntil: 1000 }), 0);
  balance.enter(ticket({ waitUntil: 2000 }), 0);
  assert.deepEqual(balance.decide(999), []);
  assert.equal(balance.wakeAt(999), 1000);
  const [refused] = balance.decide(1000);
  // 100 pixel-steps run and 100 wait, at 20 ms each.
  assert.deepEqual(
    [refusalOf(refused), refused && "retryAfterMs" in refused && refused.retryAfterMs],
    ["overloaded", 4000],
  );
});

test("nodes that seem away are tried only when no other is left, and then once", () => {
  const balance = start();
  balance.put("away", { ...READY, ready: false, maxConcurrent: 2 });
  balance.put("here", { ...READY, maxConcurrent: 2 });
  const one = ticket();
  balance.enter(one, 0);
  assert.equal(nodeOf(balance.decide(0)[0]), "here");
  balance.put("here", { ...READY, ready: false, maxConcurrent: 2 });
  const two = ticket({ asked: new Set(["here"]) });
  balance.enter(two, 0);
  assert.equal(nodeOf(balance.decide(0)[0]), "away");
  balance.enter(ticket({ asked: new Set(["here", "away"]) }), 0);
  assert.equal(refusalOf(balance.decide(0)[0]), "unreachable");
  balance.enter(ticket({ suits: () => false }), 0);
  assert.equal(refusalOf(balance.decide(0)[0]), "unreachable");
});

test("where every node leaves, a request is told to come back once another may have taken its place", () => {
  const balance = start();
  balance.put("x", { ...READY, draining: true });
  const left = ticket();
  balance.enter(left, 0);
  assert.deepEqual(balance.decide(0), [{ ticket: left, refused: "overloaded", retryAfterMs: 2000 }]);
});

test("a draining node gets nothing new; what it reports of others counts", () => {
  const balance = start();
  balance.put("x", { ...READY, draining: true });
  balance.put("y", { ...READY, maxConcurrent: 50 });
  balance.put("z", { ...READY, maxConcurrent: 50 });
  balance.report("y", { pendingPixelSteps: 1_000_000, secondsPerPixelStep: new Map() });
  for (let i = 0; i < 20; i++) {
    balance.enter(ticket(), 0);
    assert.equal(nodeOf(balance.decide(0)[0]), "z");
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Balancer, balancer } from "../src/routing/balancer.ts";
import type { Outcome, Ticket } from "../src/routing/types.ts";
import { seeded } from "./support/cluster-simulation.ts";

// What must hold whatever happens, in thousands of random histories of a few nodes, models and accounts.
const MODELS = ["x", "y", "z"];
const MAX_QUEUE = 60;
/** Longer than any pause or circuit keeps a node closed. */
const LONGEST_CLOSED_MS = 31_000;

interface WorldNode {
  readonly id: string;
  readonly maxConcurrent: number;
  readonly models: readonly string[];
  /** Whether it can do jobs that not every node can. */
  readonly rich: boolean;
  ready: boolean;
  draining: boolean;
  expectedUntil: number;
  /** When it last refused, failed, or was put away. */
  trouble: number;
}

interface WorldTicket extends Ticket {
  readonly asked: Set<string>;
  readonly lostBy: Set<string>;
  readonly hard: boolean;
}

interface World {
  readonly nodes: readonly WorldNode[];
  readonly balance: Balancer;
  readonly waiting: Set<WorldTicket>;
  readonly running: { readonly ticket: WorldTicket; readonly node: WorldNode }[];
  entered: number;
  decided: number;
}

const canDo = (node: WorldNode, { model, hard }: WorldTicket) => node.models.includes(model) && (node.rich || !hard);

function put({ balance }: World, node: WorldNode): void {
  const { maxConcurrent, ready, draining, expectedUntil } = node;
  balance.put(node.id, { maxConcurrent, ready, draining, expectedUntil });
}

function startWorld(random: () => number): World {
  const nodes = Array.from({ length: 5 }, (_, i) => ({
    id: `n${i}`,
    maxConcurrent: 1 + Math.floor(random() * 3),
    models: MODELS.filter(() => random() < 0.6),
    rich: random() < 0.5,
    ready: true,
    draining: false,
    expectedUntil: Number.POSITIVE_INFINITY,
    trouble: Number.NEGATIVE_INFINITY,
  }));
  const balance = balancer({ random, maxQueue: MAX_QUEUE });
  const world = { nodes, balance, waiting: new Set<WorldTicket>(), running: [], entered: 0, decided: 0 };
  for (const node of nodes) put(world, node);
  return world;
}

function newTicket(world: World, random: () => number, now: number): WorldTicket {
  const model = MODELS[Math.floor(random() * MODELS.length)] ?? "x";
  const ticket: WorldTicket = {
    account: `a${Math.floor(random() * 4)}`,
    model,
    work: 1 + random(),
    waitUntil: now + random() * 20_000,
    hard: random() < 0.3,
    asked: new Set(),
    lostBy: new Set(),
    suits: (id) => world.nodes.some((node) => node.id === id && canDo(node, ticket)),
  };
  return ticket;
}

function enter(world: World, ticket: WorldTicket, now: number, returning = false): void {
  world.entered++;
  world.waiting.add(ticket);
  world.balance.enter(ticket, now, returning);
}

/** Takes note of what is decided, and checks everything that must hold after it. */
function decide(world: World, now: number): void {
  for (const decision of world.balance.decide(now)) {
    const ticket = decision.ticket as WorldTicket; // no other ones were entered
    assert.ok(world.waiting.delete(ticket), "decided once, and only while it waits");
    world.decided++;
    if (!("node" in decision)) continue;
    const node = world.nodes.find(({ id }) => id === decision.node) ?? assert.fail();
    assert.ok(canDo(node, ticket) && !node.draining, "a node that can do it");
    world.running.push({ ticket, node });
  }
  const { balance, waiting, running, nodes } = world;
  assert.equal(balance.waiting, waiting.size);
  assert.ok(waiting.size <= MAX_QUEUE);
  for (const node of nodes) {
    const has = running.filter((run) => run.node === node).length;
    assert.equal(balance.inFlight(node.id), has);
    assert.ok(has <= node.maxConcurrent);
    const free = node.ready && !node.draining && has < node.maxConcurrent && now - node.trouble > LONGEST_CLOSED_MS;
    if (!free) continue;
    for (const ticket of waiting) assert.ok(!canDo(node, ticket), "nobody waits beside a free node");
  }
  for (const { waitUntil } of waiting) assert.ok(waitUntil > now, "nobody waits for longer than it may");
  const wake = balance.wakeAt(now);
  assert.ok(wake === undefined || wake > now, "no busy loop");
  const latest = Math.min(...[...waiting].map(({ waitUntil }) => waitUntil));
  if (waiting.size > 0)
    assert.ok(wake !== undefined && wake <= Math.max(latest, now + 1), "who waits is woken in time");
}

function end(world: World, random: () => number, now: number, outcomes: readonly Outcome[]): void {
  const [{ ticket, node } = assert.fail()] = world.running.splice(Math.floor(random() * world.running.length), 1);
  const outcome = outcomes[Math.floor(random() * outcomes.length)] ?? "made";
  if (outcome !== "made" && outcome !== "answered" && outcome !== "abandoned") node.trouble = now;
  if (outcome === "unreachable" && node.ready) {
    node.ready = false;
    node.expectedUntil = Math.min(node.expectedUntil, now + 30_000);
    put(world, node);
  }
  world.balance.ended(ticket, node.id, outcome, now);
  if (outcome === "unreachable" || typeof outcome === "object" || (outcome === "failed" && random() < 0.5)) {
    const { asked, lostBy } = ticket;
    const again = { ...ticket, asked: new Set(asked), lostBy: new Set(lostBy) };
    // As it was, for the node that is chosen now.
    const fresh: WorldTicket = { ...again, suits: (id) => world.nodes.some((n) => n.id === id && canDo(n, fresh)) };
    (outcome === "failed" ? fresh.lostBy : fresh.asked).add(node.id);
    enter(world, fresh, now, true);
  }
}

/** A node goes, comes, drains, or may get requests again. */
function change(world: World, random: () => number, now: number): void {
  const node = world.nodes[Math.floor(random() * world.nodes.length)] ?? assert.fail();
  if (random() < 0.5) node.ready = !node.ready;
  else node.draining = !node.draining;
  const there = node.ready && !node.draining;
  node.expectedUntil = there ? Number.POSITIVE_INFINITY : Math.min(node.expectedUntil, now + 30_000);
  put(world, node);
}

const FAIR: readonly Outcome[] = ["made", "answered", "abandoned"];
const FOUL: readonly Outcome[] = [
  ...FAIR,
  "made",
  "made",
  "failed",
  "unreachable",
  { busyForMs: 1 },
  { busyForMs: 9_000 },
];

function live(seed: number, outcomes: readonly Outcome[], unrest: number): void {
  const random = seeded(seed);
  const world = startWorld(random);
  let now = 0;
  for (let step = 0; step < 600; step++) {
    // Timers come when they are due, before whatever comes next.
    const next = now + Math.floor(random() * 2 * 400);
    for (let wake = world.balance.wakeAt(now); wake !== undefined && wake <= next; wake = world.balance.wakeAt(now)) {
      now = wake;
      decide(world, now);
    }
    now = next;
    const dice = random();
    if (dice < unrest) change(world, random, now);
    else if (dice < 0.55) enter(world, newTicket(world, random, now), now);
    else if (dice < 0.6) {
      const [left] = world.waiting;
      if (left) {
        world.balance.leave(left);
        world.waiting.delete(left);
        world.decided++;
      }
    } else if (world.running.length > 0) end(world, random, now, outcomes);
    decide(world, now);
  }
  // Nothing more comes: what runs ends well, and timers do the rest.
  while (world.running.length > 0) {
    end(world, random, now, ["made"]);
    decide(world, now);
  }
  while (world.waiting.size > 0) {
    now = world.balance.wakeAt(now) ?? assert.fail("nobody wakes them");
    decide(world, now);
    while (world.running.length > 0) {
      end(world, random, now, ["made"]);
      decide(world, now);
    }
  }
  assert.equal(world.decided, world.entered);
  assert.equal(world.balance.wakeAt(now), undefined);
}

test("no request keeps waiting beside a free node, for longer than it may, or unheard", () => {
  for (let seed = 1; seed <= 150; seed++) {
    live(seed, FAIR, 0);
    live(seed, FAIR, 0.1);
    live(seed, FOUL, 0);
    live(seed, FOUL, 0.1);
  }
});

test("accounts that always want more are served in turns, however many requests each has", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const balance = balancer({ random, maxQueue: 10_000 });
    balance.put("x", { maxConcurrent: 1, ready: true, draining: false });
    const accounts = ["a", "b", "c", "d", "e"];
    const more = (account: string) => {
      const many = account === "a" ? 4 : 1;
      for (let i = 0; i < many; i++) {
        const fields = { model: "m", work: 1, waitUntil: Number.POSITIVE_INFINITY, asked: new Set<string>() };
        balance.enter({ account, suits: () => true, ...fields }, 0);
      }
    };
    for (const account of accounts) for (let i = 0; i < 3; i++) more(account);
    const order: string[] = [];
    for (let i = 0; i < 500; i++) {
      const [decision, ...rest] = balance.decide(0);
      assert.ok(decision && "node" in decision && rest.length === 0);
      order.push(decision.ticket.account);
      more(decision.ticket.account);
      // It may also be refused, and come back to the head of its line.
      balance.ended(decision.ticket, "x", random() < 0.5 ? "made" : "abandoned", 0);
    }
    // The first of all did not wait.
    for (let i = 1; i + accounts.length <= order.length; i += accounts.length) {
      assert.deepEqual(order.slice(i, i + accounts.length).toSorted(), accounts);
    }
  }
});

test("a request behind hundreds of its account that wait for another model gets the node that is free for it", () => {
  const balance = balancer({ random: seeded(1), maxQueue: 1000 });
  const up = { maxConcurrent: 1, ready: true, draining: false };
  const ticket = (model: string): Ticket => ({
    account: "a",
    model,
    work: 1,
    waitUntil: Number.POSITIVE_INFINITY,
    suits: (id) => id === model,
    asked: new Set(),
  });
  balance.put("x", up);
  balance.put("y", up);
  for (let i = 0; i < 500; i++) balance.enter(ticket("x"), 0);
  const [first, second] = [ticket("y"), ticket("y")];
  balance.enter(first, 0);
  balance.enter(second, 0);
  const decisions = balance.decide(0);
  assert.ok(decisions.some((decision) => decision.ticket === first));
  balance.ended(first, "y", "made", 1);
  assert.deepEqual(balance.decide(1), [{ ticket: second, node: "y" }]);
});

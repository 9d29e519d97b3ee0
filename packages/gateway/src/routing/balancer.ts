import { chooser, sum } from "./chooser.ts";
import { type CircuitBreaker, type CircuitState, circuitBreaker } from "./circuit-breaker.ts";
import { type FairQueue, fairQueue } from "./fair-queue.ts";
import { type NodeState, nodeState } from "./node-state.ts";
import type { Decision, LoadReport, NodeFacts, Outcome, Ticket } from "./types.ts";

/**
 * Which node a request goes to, and when: power of two choices over what each node has to do times how long it takes for
 * that; a bounded queue in which accounts take turns; a circuit breaker for each node. Pure: time and chance come from outside.
 */
export interface Balancer {
  /** Adds a node, or says how it is now. */
  put(node: string, facts: NodeFacts): void;
  remove(node: string): void;
  report(node: string, load: LoadReport): void;
  /** From now on `decide` decides about it. `returning`: it was with a node before, and goes to the head of its line. */
  enter(ticket: Ticket, now: number, returning?: boolean): void;
  leave(ticket: Ticket): void;
  /** What can be decided now. To be asked after every change, and at `wakeAt`. */
  decide(now: number): Decision[];
  /** When something will change by itself. */
  wakeAt(now: number): number | undefined;
  /** The request that a node got has ended. */
  ended(ticket: Ticket, node: string, outcome: Outcome, now: number): void;
  readonly waiting: number;
  inFlight(node: string): number;
  condition(node: string, now: number): Condition;
  /** Expected to be needed for all there is to do for a model, in ms. */
  backlogMs(model: string, now: number): number;
}

/** What keeps requests from a node, beside its own state. */
export interface Condition {
  readonly circuit: CircuitState;
  /** How long it is left alone, because it failed or said that it is busy. */
  readonly opensInMs: number | undefined;
}

export interface BalancerOptions {
  readonly random: () => number;
  readonly maxQueue: number;
  readonly breaker?: (() => CircuitBreaker) | undefined;
}

type Refusal =
  | { readonly refused: "unreachable" }
  /** In how many ms one of the nodes may be tried again; 0: they only have too much to do. */
  | { readonly refused: "overloaded"; readonly opensInMs: number };

const BLIND_RETRY_MS = 2_000;

export function balancer({ random, maxQueue, breaker = circuitBreaker }: BalancerOptions): Balancer {
  const nodes = new Map<string, NodeState>();
  const queue: FairQueue<Ticket> = fairQueue(maxQueue);
  /** Made when requests came. */
  const early: Decision[] = [];
  /** Whether something has changed since all that wait were looked at, and when it does by itself. */
  let changed = false;
  let changesAt = Number.POSITIVE_INFINITY;

  const { rate, choose } = chooser(nodes, random);

  function backlogMs(model: string, now: number, suits: (node: string) => boolean = () => true): number {
    const serving = [...nodes.values()].filter((node) => suits(node.id) && node.facts.ready);
    const perSecond = sum(serving.flatMap((node) => 1 / (rate(node, model, now) ?? Number.POSITIVE_INFINITY)));
    if (perSecond === 0) return BLIND_RETRY_MS;
    const queued = sum([...queue].filter((ticket) => ticket.model === model).map(({ work }) => work));
    return (1000 * (queued + sum(serving.map((node) => node.ownWork() + node.others)))) / perSecond;
  }

  /** Whether all that it can do is wait: for most that wait this is all that is looked at, again and again. */
  function mustWait(ticket: Ticket, now: number): boolean {
    if (now >= ticket.waitUntil) return false;
    let there = false;
    let awaited = false;
    for (const node of nodes.values()) {
      if (!ticket.suits(node.id)) continue;
      if (node.there()) {
        if (node.usable(now)) return false;
        there = true;
      }
      awaited ||= node.awaitable(ticket.waitUntil, now);
    }
    return there && awaited;
  }

  /** A node for the ticket, why there will be none, or undefined: it has to wait. */
  function place(ticket: Ticket, now: number): NodeState | Refusal | undefined {
    if (mustWait(ticket, now)) return undefined;
    const { asked, lostBy } = ticket;
    const able = [...nodes.values()].filter(({ id }) => ticket.suits(id));
    const there = able.filter((node) => node.there());
    const waits = now < ticket.waitUntil;
    const free = there.filter((node) => node.usable(now) && (waits || !asked.has(node.id)));
    const fresh = free.filter(({ id }) => !asked.has(id) && !lostBy?.has(id));
    if (free.length > 0) return choose(fresh.length > 0 ? fresh : free, ticket, now);
    if (there.length === 0) {
      // Whoever seems to be away may have come back since it was looked at.
      const away = able.filter((node) => !node.facts.draining && !asked.has(node.id) && node.usable(now));
      if (away.length > 0) return choose(away, ticket, now);
    }
    if (waits && able.some((node) => node.awaitable(ticket.waitUntil, now))) return undefined;
    return whyNot(able, now);
  }

  function whyNot(able: readonly NodeState[], now: number): Refusal {
    const busy = able.filter((node) => node.facts.ready || node.pausedUntil > now);
    if (busy.length === 0) return { refused: "unreachable" };
    // A node that leaves opens no more; the one that takes its place is not there at once.
    const staying = busy.filter(({ facts }) => !facts.draining);
    if (staying.length === 0) return { refused: "overloaded", opensInMs: BLIND_RETRY_MS };
    return { refused: "overloaded", opensInMs: Math.min(...staying.map((node) => node.opensAt() - now)) };
  }

  /** What to tell whoever gets no node: when one opens, or how long all there is to do takes. */
  function refuse(ticket: Ticket, refusal: Refusal, now: number): Decision {
    if (refusal.refused === "unreachable") return { ticket, refused: "unreachable" };
    const { opensInMs } = refusal;
    const retryAfterMs = opensInMs > 0 ? opensInMs : backlogMs(ticket.model, now, ticket.suits);
    return { ticket, refused: "overloaded", retryAfterMs };
  }

  function decisionOf(ticket: Ticket, placed: NodeState | Refusal, now: number): Decision {
    if (!("id" in placed)) return refuse(ticket, placed, now);
    placed.begin(ticket, now);
    return { ticket, node: placed.id };
  }

  /** When a node's state changes without anybody saying so. */
  function nodesChangeAt(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const node of nodes.values()) next = Math.min(next, node.changesAt(now));
    return next;
  }

  /** What is to become of those that wait, looking at each of them if anything has changed. */
  function decideWaiting(now: number): Decision[] {
    const decisions: Decision[] = [];
    if (!changed && now < changesAt) return decisions;
    while (queue.size > 0) {
      let placed: ReturnType<typeof place>;
      const ticket = queue.take((candidate) => {
        placed = place(candidate, now);
        return placed !== undefined;
      });
      if (!ticket || !placed) break;
      decisions.push(decisionOf(ticket, placed, now));
    }
    changed = false;
    changesAt = nodesChangeAt(now);
    for (const { waitUntil } of queue) changesAt = Math.min(changesAt, waitUntil);
    return decisions;
  }

  return {
    put(id, facts) {
      changed = true;
      const known = nodes.get(id);
      if (known) known.update(facts);
      else nodes.set(id, nodeState(id, facts, breaker()));
    },
    remove(id) {
      changed = true;
      nodes.delete(id);
    },
    report(id, load) {
      const node = nodes.get(id);
      if (!node) return;
      // What it has of us is counted exactly, and changes between two reports.
      if ("pendingRequests" in load) {
        node.others = Math.max(0, load.pendingRequests - node.inFlight) * load.pixelStepsEach;
        return;
      }
      node.others = Math.max(0, load.pendingPixelSteps - node.ownWork());
      node.speed.report(load.secondsPerPixelStep);
    },
    enter(ticket, now, returning = false) {
      // Whoever waits already comes first; what is free after that, they cannot use.
      early.push(...decideWaiting(now));
      const placed = place(ticket, now);
      if (placed) {
        early.push(decisionOf(ticket, placed, now));
        return;
      }
      changesAt = Math.min(changesAt, ticket.waitUntil, nodesChangeAt(now));
      const out = queue.add(ticket, returning ? "first" : "last");
      if (out) early.push(refuse(out, { refused: "overloaded", opensInMs: 0 }, now));
    },
    leave: (ticket) => void queue.delete(ticket),
    decide: (now) => [...early.splice(0), ...decideWaiting(now)],
    wakeAt(now) {
      if (queue.size === 0) return undefined;
      return Number.isFinite(changesAt) ? Math.max(changesAt, now + 1) : undefined;
    },
    ended(ticket, id, outcome, now) {
      changed = true;
      nodes.get(id)?.ended(ticket, outcome, now);
    },
    get waiting() {
      return queue.size;
    },
    inFlight: (id) => nodes.get(id)?.inFlight ?? 0,
    condition(id, now) {
      const node = nodes.get(id);
      const waitMs = (node?.opensAt() ?? 0) - now;
      return { circuit: node?.circuit ?? "closed", opensInMs: waitMs > 0 ? Math.ceil(waitMs) : undefined };
    },
    backlogMs,
  };
}

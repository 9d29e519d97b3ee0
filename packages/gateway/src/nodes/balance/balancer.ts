import { type CircuitBreaker, circuitBreaker } from "./circuit-breaker.ts";
import { type FairQueue, fairQueue } from "./fair-queue.ts";
import { type Speed, speed } from "./speed.ts";

/** A request that wants a node. Work is in pixel-steps: pictures × width × height × steps. */
export interface Ticket {
  readonly account: string;
  readonly model: string;
  readonly work: number;
  /** Until when it may wait for a node, in ms. */
  readonly waitUntil: number;
  /** Whether a node can do it at all. */
  readonly suits: (node: string) => boolean;
  /** Nodes that have refused it, or could not be reached. */
  readonly asked: Set<string>;
  /** Nodes that have lost it: asked again only where no other one is free. */
  readonly lostBy?: ReadonlySet<string>;
}

/** What a node says of itself. */
export interface LoadReport {
  /** What it has to do, of whoever asked. */
  readonly pendingPixelSteps: number;
  /** By model; undefined where it does not know. */
  readonly secondsPerPixelStep: ReadonlyMap<string, number>;
}

export type Outcome =
  /** It answered, be it with a refusal of the request. */
  | "answered"
  /** It made a picture. */
  | "made"
  /** It broke off, or its answer was no answer. */
  | "failed"
  /** No connection: nothing has begun. */
  | "unreachable"
  /** It said that it has not begun. */
  | { readonly busyForMs: number }
  /** Nobody waits for it any more. */
  | "abandoned";

export type Decision =
  | { readonly ticket: Ticket; readonly node: string }
  | { readonly ticket: Ticket; readonly refused: "unreachable" }
  | { readonly ticket: Ticket; readonly refused: "overloaded"; readonly retryAfterMs: number };

export interface NodeFacts {
  readonly maxConcurrent: number;
  readonly ready: boolean;
  /** Gets nothing new any more. */
  readonly draining: boolean;
}

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
  /** Expected to be needed for all there is to do for a model, in ms. */
  backlogMs(model: string, now: number): number;
}

export interface BalancerOptions {
  readonly random: () => number;
  readonly maxQueue: number;
  readonly breaker?: (() => CircuitBreaker) | undefined;
}

interface Dispatched {
  readonly work: number;
  readonly since: number;
  /** What the node had to do when it got this, itself included. */
  readonly total: number;
}

interface Node {
  readonly id: string;
  facts: NodeFacts;
  readonly breaker: CircuitBreaker;
  readonly inFlight: Map<Ticket, Dispatched>;
  pausedUntil: number;
  /** What others gave it to do, as last reported. */
  others: number;
  readonly speed: Speed;
}

type Refusal =
  | { readonly refused: "unreachable" }
  /** In how many ms one of the nodes may be tried again; 0: they only have too much to do. */
  | { readonly refused: "overloaded"; readonly opensInMs: number };

const BLIND_RETRY_MS = 2_000;

const sum = (values: Iterable<number>) => {
  let total = 0;
  for (const value of values) total += value;
  return total;
};

export function balancer({ random, maxQueue, breaker = circuitBreaker }: BalancerOptions): Balancer {
  const nodes = new Map<string, Node>();
  const queue: FairQueue<Ticket> = fairQueue(maxQueue);
  /** Made when requests came. */
  const early: Decision[] = [];
  /** When the first of those that wait has waited long enough, or earlier. */
  let earliest = Number.POSITIVE_INFINITY;
  /** Whether a node has come, gone, or changed since all that wait were looked at. */
  let changed = false;

  const ownWork = (node: Node) => sum([...node.inFlight.values()].map(({ work }) => work));

  /** Seconds for a pixel-step; of a node that was never measured, as the others take on average. */
  function rate(node: Node, model: string, now: number): number | undefined {
    const own = node.speed.secondsPerPixelStep(model, now);
    if (own !== undefined) return own;
    const known = [...nodes.values()].flatMap((other) => other.speed.secondsPerPixelStep(model, now) ?? []);
    return known.length > 0 ? sum(known) / known.length : undefined;
  }

  const cost = (node: Node, { model, work }: Ticket, now: number) =>
    (ownWork(node) + node.others + work) * (rate(node, model, now) ?? 1);

  const hasRoom = ({ inFlight, facts }: Node) => inFlight.size < facts.maxConcurrent;
  const usable = (node: Node, now: number) => hasRoom(node) && now >= node.pausedUntil && node.breaker.allows(now);

  /** https://www.eecs.harvard.edu/~michaelm/postscripts/handbook2001.pdf */
  function pick(candidates: readonly Node[], ticket: Ticket, now: number): Node | undefined {
    const first = candidates[Math.floor(random() * candidates.length)];
    const others = candidates.filter((node) => node !== first);
    const second = others[Math.floor(random() * others.length)];
    return first && second && cost(second, ticket, now) < cost(first, ticket, now) ? second : first;
  }

  function backlogMs(model: string, now: number, suits: (node: string) => boolean = () => true): number {
    const serving = [...nodes.values()].filter((node) => suits(node.id) && node.facts.ready);
    const perSecond = sum(serving.flatMap((node) => 1 / (rate(node, model, now) ?? Number.POSITIVE_INFINITY)));
    if (perSecond === 0) return BLIND_RETRY_MS;
    const queued = sum([...queue].filter((ticket) => ticket.model === model).map(({ work }) => work));
    return (1000 * (queued + sum(serving.map((node) => ownWork(node) + node.others)))) / perSecond;
  }

  /** A node for the ticket, why there will be none, or undefined: it has to wait. */
  function place(ticket: Ticket, now: number): Node | Refusal | undefined {
    const left = [...nodes.values()].filter(
      ({ id, facts }) => ticket.suits(id) && !ticket.asked.has(id) && !facts.draining,
    );
    const ready = left.filter((node) => node.facts.ready);
    const free = ready.filter((node) => usable(node, now));
    const reliable = free.filter(({ id }) => !ticket.lostBy?.has(id));
    if (free.length > 0) return pick(reliable.length > 0 ? reliable : free, ticket, now);
    const soon = ready.filter((node) => node.breaker.allows(now) && node.pausedUntil <= ticket.waitUntil);
    if (soon.length > 0 && now < ticket.waitUntil) return undefined;
    // Whoever seems to be away may have come back since it was looked at.
    const away = left.filter((node) => !node.facts.ready && usable(node, now));
    if (ready.length === 0 && away.length > 0) return pick(away, ticket, now);

    const all = [...nodes.values()].filter(({ id }) => ticket.suits(id));
    const busy = all.filter((node) => node.facts.ready || node.pausedUntil > now);
    if (busy.length === 0) return { refused: "unreachable" };
    // A node that leaves opens no more; the one that takes its place is not there at once.
    const staying = busy.filter(({ facts }) => !facts.draining);
    if (staying.length === 0) return { refused: "overloaded", opensInMs: BLIND_RETRY_MS };
    const opens = staying.map((node) => Math.max(node.pausedUntil, node.breaker.openUntil ?? 0) - now);
    return { refused: "overloaded", opensInMs: Math.min(...opens) };
  }

  /** What to tell whoever gets no node: when one opens, or how long all there is to do takes. */
  function refuse(ticket: Ticket, refusal: Refusal, now: number): Decision {
    if (refusal.refused === "unreachable") return { ticket, refused: "unreachable" };
    const { opensInMs } = refusal;
    const retryAfterMs = opensInMs > 0 ? opensInMs : backlogMs(ticket.model, now, ticket.suits);
    return { ticket, refused: "overloaded", retryAfterMs };
  }

  const decisionOf = (ticket: Ticket, placed: Node | Refusal, now: number): Decision =>
    "id" in placed ? dispatch(ticket, placed, now) : refuse(ticket, placed, now);

  function dispatch(ticket: Ticket, node: Node, now: number): Decision {
    node.breaker.begin(now);
    const { work } = ticket;
    node.inFlight.set(ticket, { work, since: now, total: ownWork(node) + node.others + work });
    return { ticket, node: node.id };
  }

  return {
    put(id, facts) {
      changed = true;
      const known = nodes.get(id);
      if (known) {
        known.facts = facts;
        return;
      }
      nodes.set(id, {
        id,
        facts,
        breaker: breaker(),
        inFlight: new Map(),
        pausedUntil: 0,
        others: 0,
        speed: speed(),
      });
    },
    remove(id) {
      changed = true;
      nodes.delete(id);
    },
    report(id, { pendingPixelSteps, secondsPerPixelStep }) {
      const node = nodes.get(id);
      if (!node) return;
      // What it has of us is counted exactly, and changes between two reports.
      node.others = Math.max(0, pendingPixelSteps - ownWork(node));
      node.speed.report(secondsPerPixelStep);
    },
    enter(ticket, now, returning = false) {
      // Whoever waits already was decided about: what is free now, they cannot use.
      const placed = place(ticket, now);
      if (placed) {
        early.push(decisionOf(ticket, placed, now));
        return;
      }
      earliest = Math.min(earliest, ticket.waitUntil);
      const out = queue.add(ticket, returning ? "first" : "last");
      if (out) early.push(refuse(out, { refused: "overloaded", opensInMs: 0 }, now));
    },
    leave: (ticket) => void queue.delete(ticket),
    decide(now) {
      const decisions = early.splice(0);
      while (changed || now >= earliest || [...nodes.values()].some((node) => usable(node, now))) {
        let placed: ReturnType<typeof place>;
        const ticket = queue.take((candidate) => {
          placed = place(candidate, now);
          return placed !== undefined;
        });
        if (!ticket || !placed) {
          changed = false;
          earliest = Number.POSITIVE_INFINITY;
          for (const { waitUntil } of queue) earliest = Math.min(earliest, waitUntil);
          break;
        }
        decisions.push(decisionOf(ticket, placed, now));
      }
      return decisions;
    },
    wakeAt(now) {
      if (queue.size === 0) return undefined;
      let next = earliest;
      for (const { pausedUntil, breaker } of nodes.values()) {
        for (const time of [pausedUntil, breaker.openUntil ?? 0]) if (time > now) next = Math.min(next, time);
      }
      return Number.isFinite(next) ? Math.max(next, now + 1) : undefined;
    },
    ended(ticket, id, outcome, now) {
      const node = nodes.get(id);
      const dispatched = node?.inFlight.get(ticket);
      if (!node || !dispatched) return;
      node.inFlight.delete(ticket);
      if (outcome === "made") {
        node.speed.measure(ticket.model, (now - dispatched.since) / 1000, dispatched.total, now);
      }
      if (outcome === "made" || outcome === "answered") node.breaker.succeeded();
      else if (outcome === "failed" || outcome === "unreachable") node.breaker.failed(now);
      else node.breaker.abandoned();
      if (typeof outcome === "object") node.pausedUntil = Math.max(node.pausedUntil, now + outcome.busyForMs);
    },
    get waiting() {
      return queue.size;
    },
    inFlight: (id) => nodes.get(id)?.inFlight.size ?? 0,
    backlogMs,
  };
}

import { errors } from "@atoma/contract";
import type { Clock, Timer } from "../clock.ts";
import { balancer, type Condition } from "./balancer.ts";
import type { Decision, LoadReport, NodeFacts, Outcome, Ticket } from "./types.ts";

/** Who wants a node, for what, and how long. */
export interface Wanted<Node> {
  readonly account: string;
  readonly model: string;
  /** In pixel-steps. */
  readonly work: number;
  /** Whether a node can do it at all. */
  readonly suits: (node: Node) => boolean;
  /** Nodes that have not begun this request, or could not be reached. */
  readonly asked: ReadonlySet<Node>;
  /** Nodes that have lost it: asked again only where no other one is free. */
  readonly lostBy: ReadonlySet<Node>;
  /** It was with a node before, which did not begin. */
  readonly returning: boolean;
  /** How long it has waited in the queue already. */
  readonly waitedMs: number;
  readonly signal: AbortSignal;
}

/** A node's time for one request. Its holder says how it ended, once. */
export interface Lease<Node> {
  readonly node: Node;
  ended(outcome: Outcome): void;
}

/** Gives nodes to requests as the balancer decides; here are its clock, its timer and the promises of those that wait. */
export interface NodeQueue<Node> {
  /** Adds a node, or says how it is now. */
  put(node: Node, facts: NodeFacts): void;
  /** It is draining, and to be forgotten; resolves when what it does has ended. */
  remove(node: Node): Promise<void>;
  report(node: Node, load: LoadReport): void;
  inFlight(node: Node): number;
  condition(node: Node): Condition;
  waiting(): number;
  /**
   * A node, at once where one is free. Throws, or rejects with, ApiError 500 when no node can be reached, 503 when none will
   * be free in time, and the signal's reason.
   */
  acquire(wanted: Wanted<Node>): Lease<Node> | Promise<Lease<Node>>;
  /** Requests that wait, or will have to, are refused: the gateway shuts down. */
  refuseWaiting(): void;
  close(): void;
}

export interface NodeQueueOptions<Node> {
  readonly clock: Clock;
  readonly random: () => number;
  readonly maxQueue: number;
  readonly queueTimeoutMs: number;
  /** A request has found that a node cannot be reached. */
  readonly onUnreachable: (node: Node) => void;
}

/** A request that asked for a node: what it got, or whom to tell. */
interface Waiter<Node> {
  given?: Lease<Node>;
  refused?: Error;
  promise?: PromiseWithResolvers<Lease<Node>>;
}

export function nodeQueue<Node extends { readonly name: string }>(options: NodeQueueOptions<Node>): NodeQueue<Node> {
  const { clock, random, maxQueue, queueTimeoutMs, onUnreachable } = options;
  const balance = balancer({ random, maxQueue });
  /** By a name of their own, because a node that takes another's place may have its name. */
  const nodes = new Map<string, Node>();
  const keys = new Map<Node, string>();
  const leaving = new Map<string, () => void>();
  const waiting = new Map<Ticket, Waiter<Node>>();
  let timer: Timer | undefined;
  let wakesAt: number | undefined;
  let count = 0;
  let closing = false;

  const NONE: ReadonlySet<string> = new Set();
  const keysOf = (some: ReadonlySet<Node>) =>
    some.size === 0 ? NONE : new Set([...some].flatMap((node) => keys.get(node) ?? []));

  function forgetIfIdle(key: string, node: Node): void {
    const resolve = leaving.get(key);
    if (!resolve || balance.inFlight(key) > 0) return;
    balance.remove(key);
    nodes.delete(key);
    keys.delete(node);
    leaving.delete(key);
    resolve();
  }

  function leaseOf(ticket: Ticket, key: string, node: Node): Lease<Node> {
    let over = false;
    return {
      node,
      ended(outcome) {
        if (over) return;
        over = true;
        if (outcome === "unreachable") onUnreachable(node);
        balance.ended(ticket, key, outcome, clock.monotonic());
        forgetIfIdle(key, node);
        decide();
      },
    };
  }

  function give(ticket: Ticket, waiter: Waiter<Node> | undefined, key: string): void {
    const node = nodes.get(key);
    if (!node || !waiter) {
      balance.ended(ticket, key, "abandoned", clock.monotonic());
      return;
    }
    const lease = leaseOf(ticket, key, node);
    if (waiter.promise) waiter.promise.resolve(lease);
    else waiter.given = lease;
  }

  function refuse(waiter: Waiter<Node> | undefined, error: Error): void {
    if (waiter?.promise) waiter.promise.reject(error);
    else if (waiter) waiter.refused = error;
  }

  function settle(decision: Decision): void {
    const { ticket } = decision;
    const waiter = waiting.get(ticket);
    waiting.delete(ticket);
    if ("node" in decision) give(ticket, waiter, decision.node);
    else if (decision.refused === "unreachable") refuse(waiter, errors.nodeUnreachable());
    else refuse(waiter, errors.overloaded(decision.retryAfterMs));
  }

  function decide(): void {
    const now = clock.monotonic();
    for (const decision of balance.decide(now)) settle(decision);
    const wakeAt = balance.wakeAt(now);
    if (wakeAt === wakesAt) return;
    clock.clearTimeout(timer);
    wakesAt = wakeAt;
    if (wakeAt === undefined) return;
    timer = clock.setTimeout(() => {
      wakesAt = undefined;
      decide();
    }, wakeAt - now);
  }

  /** Until the balancer decides about it. */
  function wait(ticket: Ticket, waiter: Waiter<Node>, signal: AbortSignal): Promise<Lease<Node>> {
    const promise = Promise.withResolvers<Lease<Node>>();
    waiter.promise = promise;
    const onAbort = () => {
      balance.leave(ticket);
      waiting.delete(ticket);
      promise.reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    return promise.promise.finally(() => signal.removeEventListener("abort", onAbort));
  }

  function refuseWaiting(): void {
    closing = true;
    for (const [ticket, waiter] of waiting) {
      balance.leave(ticket);
      refuse(waiter, errors.shuttingDown());
    }
    waiting.clear();
  }

  return {
    put(node, facts) {
      let key = keys.get(node);
      if (key === undefined) {
        key = `${node.name}#${count++}`;
        keys.set(node, key);
        nodes.set(key, node);
      }
      balance.put(key, facts);
      decide();
    },
    remove(node) {
      const key = keys.get(node);
      if (key === undefined) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      leaving.set(key, resolve);
      forgetIfIdle(key, node);
      decide();
      return promise;
    },
    report(node, load) {
      const key = keys.get(node);
      if (key !== undefined) balance.report(key, load);
    },
    inFlight: (node) => balance.inFlight(keys.get(node) ?? ""),
    condition: (node) => balance.condition(keys.get(node) ?? "", clock.monotonic()),
    waiting: () => balance.waiting,
    acquire({ account, model, work, suits, asked, lostBy, returning, waitedMs, signal }) {
      signal.throwIfAborted();
      const now = clock.monotonic();
      const ticket: Ticket = {
        account,
        model,
        work,
        waitUntil: now + Math.max(0, queueTimeoutMs - waitedMs),
        suits: (key) => {
          const node = nodes.get(key);
          return node !== undefined && suits(node);
        },
        asked: keysOf(asked),
        lostBy: keysOf(lostBy),
      };
      const waiter: Waiter<Node> = {};
      waiting.set(ticket, waiter);
      balance.enter(ticket, now, returning);
      decide();
      if (closing) refuseWaiting();
      if (waiter.given) return waiter.given;
      if (waiter.refused) throw waiter.refused;
      return wait(ticket, waiter, signal);
    },
    refuseWaiting,
    close() {
      clock.clearTimeout(timer);
      refuseWaiting();
    },
  };
}

import { errors, type ImageJob } from "@atoma/contract";
import type { Node } from "../nodes/node.ts";
import { balancer, type Decision, type LoadReport, type Outcome, type Ticket } from "./balancer.ts";

/** Who wants a node, and how long. */
export interface Wanted {
  readonly account: string;
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

/** A node's time for one request. Whoever has one says how it ended, once. */
export interface Lease {
  readonly node: Node;
  ended(outcome: Outcome): void;
}

/** Gives nodes to requests as the balancer decides; here are its clock, its timer and the promises of those that wait. */
export interface NodeQueue {
  put(node: Node): void;
  /** Gives it nothing more; resolves when what it does has ended. */
  remove(node: Node): Promise<void>;
  report(node: Node, load: LoadReport): void;
  inFlight(node: Node): number;
  waiting(): number;
  acquire(job: ImageJob, suits: (node: Node) => boolean, wanted: Wanted): Promise<Lease>;
  /** Nobody waits any more: whoever does, or will have to, is told that the gateway shuts down. */
  refuseWaiting(): void;
  close(): void;
}

export interface NodeQueueOptions {
  readonly random: () => number;
  readonly maxQueue: number;
  readonly queueTimeoutMs: number;
}

/** How soon a node is probed again that may be back at any moment. */
export const SOON_MS = 500;
/** How long a node is expected back that said it leaves. Requests wait for one that restarts, not for one that is gone. */
export const RESTART_MS = 30_000;
/** The same of one that went without a word: restarted while it had nothing to do, or dead. */
const SILENT_MS = 5_000;

/** Pictures × pixels × steps. */
const workOf = ({ n, width, height, steps }: ImageJob) => n * width * height * steps;

export function nodeQueue({ random, maxQueue, queueTimeoutMs }: NodeQueueOptions): NodeQueue {
  const balance = balancer({ random, maxQueue });
  /** By a name of their own, because a node that takes another's place may have its name. */
  const nodes = new Map<string, Node>();
  const keys = new Map<Node, string>();
  const leaving = new Map<string, () => void>();
  const waiting = new Map<Ticket, PromiseWithResolvers<Lease>>();
  let timer: NodeJS.Timeout | undefined;
  let count = 0;
  let closing = false;
  /** Counts changes of what can be done where. */
  let changes = 0;
  const offered = new Map<string, Node["models"]>();

  /** Which nodes a job suits, found out once for as long as they offer the same. */
  function suitable(suits: (node: Node) => boolean): (key: string) => boolean {
    let known = new Set<string>();
    let at = -1;
    return (key) => {
      if (at !== changes) {
        known = new Set([...nodes].filter(([, node]) => suits(node)).map(([key]) => key));
        at = changes;
      }
      return known.has(key);
    };
  }

  const keysOf = (some: ReadonlySet<Node>) => new Set([...some].flatMap((node) => keys.get(node) ?? []));

  function forgetIfIdle(key: string, node: Node): void {
    const resolve = leaving.get(key);
    if (!resolve || balance.inFlight(key) > 0) return;
    balance.remove(key);
    nodes.delete(key);
    offered.delete(key);
    keys.delete(node);
    leaving.delete(key);
    resolve();
  }

  function leaseOf(ticket: Ticket, key: string, node: Node): Lease {
    let over = false;
    return {
      node,
      ended(outcome) {
        if (over) return;
        over = true;
        if (outcome === "unreachable") {
          node.ready = false;
          node.probeAt = Math.min(node.probeAt, Date.now() + SOON_MS);
          put(node);
        }
        balance.ended(ticket, key, outcome, Date.now());
        forgetIfIdle(key, node);
        decide();
      },
    };
  }

  function settle(decision: Decision): void {
    const { ticket } = decision;
    const promise = waiting.get(ticket);
    waiting.delete(ticket);
    if ("node" in decision) {
      const node = nodes.get(decision.node);
      if (node && promise) promise.resolve(leaseOf(ticket, decision.node, node));
      else balance.ended(ticket, decision.node, "abandoned", Date.now());
      return;
    }
    promise?.reject(
      decision.refused === "unreachable" ? errors.nodeUnreachable() : errors.overloaded(decision.retryAfterMs),
    );
  }

  function decide(): void {
    const now = Date.now();
    for (const decision of balance.decide(now)) settle(decision);
    clearTimeout(timer);
    const wakeAt = balance.wakeAt(now);
    timer = wakeAt === undefined ? undefined : setTimeout(decide, wakeAt - now);
    timer?.unref();
  }

  function put(node: Node): void {
    let key = keys.get(node);
    if (key === undefined) {
      key = `${node.name}#${count++}`;
      keys.set(node, key);
      nodes.set(key, node);
    }
    if (offered.get(key) !== node.models) {
      offered.set(key, node.models);
      changes++;
    }
    const { maxConcurrent, ready, draining } = node;
    if (ready && !draining) node.expectedUntil = Number.POSITIVE_INFINITY;
    else if (node.expectedUntil === Number.POSITIVE_INFINITY)
      node.expectedUntil = Date.now() + (draining ? RESTART_MS : SILENT_MS);
    balance.put(key, { maxConcurrent, ready, draining, expectedUntil: node.expectedUntil });
  }

  function refuseWaiting(): void {
    closing = true;
    for (const [ticket, promise] of waiting) {
      balance.leave(ticket);
      promise.reject(errors.shuttingDown());
    }
    waiting.clear();
  }

  return {
    put(node) {
      put(node);
      decide();
    },
    remove(node) {
      const key = keys.get(node);
      if (key === undefined) return Promise.resolve();
      node.draining = true;
      put(node);
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
    waiting: () => balance.waiting,
    async acquire(job, suits, { account, asked, lostBy, returning, waitedMs, signal }) {
      signal.throwIfAborted();
      const now = Date.now();
      const ticket: Ticket = {
        account,
        model: job.card.id,
        work: workOf(job),
        waitUntil: now + Math.max(0, queueTimeoutMs - waitedMs),
        suits: suitable(suits),
        asked: keysOf(asked),
        lostBy: keysOf(lostBy),
      };
      const promise = Promise.withResolvers<Lease>();
      waiting.set(ticket, promise);
      const onAbort = () => {
        balance.leave(ticket);
        waiting.delete(ticket);
        promise.reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      balance.enter(ticket, now, returning);
      decide();
      if (closing) refuseWaiting();
      try {
        return await promise.promise;
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
    refuseWaiting,
    close() {
      clearTimeout(timer);
      refuseWaiting();
    },
  };
}

import { balancer } from "../../src/routing/balancer.ts";
import type { Ticket } from "../../src/routing/types.ts";

/** A repeatable source of chance: mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface SimulatedNode {
  readonly id: string;
  /** For a pixel-step. */
  readonly seconds: number;
  /** When it will have done all it has to do. */
  freeAt: number;
}

export interface Simulated {
  /** How long each request took, waiting included, in ms, sorted. */
  readonly latencies: readonly number[];
  readonly share: ReadonlyMap<string, number>;
}

interface Load {
  readonly speeds: readonly number[];
  readonly requests: number;
  /** Of arrivals, as a share of what the nodes with speed 1 can do. */
  readonly load: number;
  readonly random: () => number;
}

/** Takes one request after another, as our own engine does; pixel-steps of 1 ms on a node of speed 1. */
function arrivals({ speeds, requests, load, random }: Load): { at: number; work: number }[] {
  const healthy = speeds.filter((speed) => speed === 1).length;
  const meanWork = 100;
  let at = 0;
  return Array.from({ length: requests }, () => {
    at += (-Math.log(1 - random()) * meanWork) / (healthy * load);
    return { at, work: meanWork * (0.5 + random()) };
  });
}

const sorted = (values: number[]) => values.sort((a, b) => a - b);
export const percentile = (values: readonly number[], p: number) => values[Math.floor(values.length * p)] ?? Number.NaN;

/** The balancer with nodes that need `speed` ms for each unit of work, in simulated time. */
export function simulateBalancer(world: Load, maxConcurrent: number): Simulated {
  const { random, speeds } = world;
  const balance = balancer({ random, maxQueue: 1_000_000 });
  const nodes: SimulatedNode[] = speeds.map((speed, i) => ({ id: `n${i}`, seconds: speed, freeAt: 0 }));
  for (const { id } of nodes) balance.put(id, { maxConcurrent, ready: true, draining: false });
  const pending = arrivals(world).reverse();
  const ends: { at: number; ticket: Ticket; node: string; came: number }[] = [];
  const came = new Map<Ticket, number>();
  const latencies: number[] = [];
  const share = new Map<string, number>();

  function decide(now: number): void {
    for (const decision of balance.decide(now)) {
      if (!("node" in decision)) throw new Error(`refused: ${decision.refused}`);
      const node = nodes.find(({ id }) => id === decision.node);
      if (!node) throw new Error(decision.node);
      share.set(node.id, (share.get(node.id) ?? 0) + 1);
      node.freeAt = Math.max(now, node.freeAt) + decision.ticket.work * node.seconds;
      ends.push({ at: node.freeAt, ticket: decision.ticket, node: node.id, came: came.get(decision.ticket) ?? now });
      ends.sort((a, b) => b.at - a.at);
    }
  }

  while (pending.length > 0 || ends.length > 0) {
    const next = pending.at(-1);
    const end = ends.at(-1);
    if (end && (!next || end.at <= next.at)) {
      ends.pop();
      latencies.push(end.at - end.came);
      balance.ended(end.ticket, end.node, "made", end.at);
      decide(end.at);
    } else if (next) {
      pending.pop();
      const ticket: Ticket = {
        account: "a",
        model: "m",
        work: next.work,
        waitUntil: Number.POSITIVE_INFINITY,
        suits: () => true,
        asked: new Set(),
      };
      came.set(ticket, next.at);
      balance.enter(ticket, next.at);
      decide(next.at);
    }
  }
  return { latencies: sorted(latencies), share };
}

/** The same nodes, taken in turns. */
export function simulateRoundRobin(world: Load): Simulated {
  const free = world.speeds.map(() => 0);
  const latencies = arrivals(world).map(({ at, work }, i) => {
    const node = i % free.length;
    const end = Math.max(at, free[node] ?? 0) + work * (world.speeds[node] ?? 1);
    free[node] = end;
    return end - at;
  });
  return { latencies: sorted(latencies), share: new Map() };
}

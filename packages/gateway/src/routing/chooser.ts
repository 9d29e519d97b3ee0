import type { NodeState } from "./node-state.ts";
import type { Ticket } from "./types.ts";

/** Which of several nodes a request goes to, and how fast they are. */
export interface Chooser {
  /** Seconds for a pixel-step, more than 0; undefined where nobody knows of any node. */
  rate(node: NodeState, model: string, now: number): number | undefined;
  /** Undefined of none. */
  choose(candidates: readonly NodeState[], ticket: Ticket, now: number): NodeState | undefined;
}

export function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** `nodes` are all that there are, also those that cannot be chosen. */
export function chooser(nodes: ReadonlyMap<string, NodeState>, random: () => number): Chooser {
  /** Seconds for a pixel-step, more than 0; of a node that was never measured, as the others take on average. */
  function rate(node: NodeState, model: string, now: number): number | undefined {
    const own = node.speed.secondsPerPixelStep(model, now);
    if (own) return own;
    const known = [...nodes.values()].flatMap((other) => other.speed.secondsPerPixelStep(model, now) || []);
    return known.length > 0 ? sum(known) / known.length : undefined;
  }

  const cost = (node: NodeState, { model, work }: Ticket, now: number) =>
    (node.ownWork() + node.others + work) * (rate(node, model, now) ?? 1);

  /** One at random, each as likely as it is fast. */
  function draw(candidates: readonly NodeState[], model: string, now: number): NodeState | undefined {
    const speeds = candidates.map((node) => 1 / (rate(node, model, now) ?? 1));
    let left = random() * sum(speeds);
    return candidates.find((_, i) => {
      left -= speeds[i] ?? 0;
      return left < 0;
    });
  }

  /**
   * Power of two choices, https://www.eecs.harvard.edu/~michaelm/postscripts/handbook2001.pdf. Drawn by speed, because a node
   * that is much slower would be no choice: it would leave the other one every request for which both are drawn.
   */
  function choose(candidates: readonly NodeState[], ticket: Ticket, now: number): NodeState | undefined {
    const first = draw(candidates, ticket.model, now) ?? candidates.at(-1);
    const others = candidates.filter((node) => node !== first);
    const second = draw(others, ticket.model, now) ?? others.at(-1);
    return first && second && cost(second, ticket, now) < cost(first, ticket, now) ? second : first;
  }

  return { rate, choose };
}

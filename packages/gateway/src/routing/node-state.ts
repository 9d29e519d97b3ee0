import type { CircuitBreaker, CircuitState } from "./circuit-breaker.ts";
import { type Speed, speed } from "./speed.ts";
import type { NodeFacts, Outcome, Ticket } from "./types.ts";

interface Dispatched {
  readonly work: number;
  readonly since: number;
  /** What the node had to do when it got this, itself included. */
  readonly total: number;
  /** It tries a node whose circuit is open. */
  readonly trial: boolean;
}

/** One node as the balancer knows it. */
export interface NodeState {
  readonly id: string;
  readonly speed: Speed;
  /** What others gave it to do, as last reported, in pixel-steps. */
  others: number;
  readonly inFlight: number;
  readonly facts: NodeFacts;
  /** Takes note of how it is now. */
  update(facts: NodeFacts): void;
  /** In pixel-steps. */
  ownWork(): number;
  /** It is up, and gets requests. */
  there(): boolean;
  /** Nothing but its place keeps a request from it now. */
  usable(now: number): boolean;
  /** Whether it may be of use to a request that can wait until then. */
  awaitable(until: number, now: number): boolean;
  /** It said that it has too much to do, and until when. */
  readonly pausedUntil: number;
  readonly circuit: CircuitState;
  /** When it may be tried, where it is kept from being tried. */
  opensAt(): number;
  /** When something about it changes by itself. */
  changesAt(now: number): number;
  begin(ticket: Ticket, now: number): void;
  ended(ticket: Ticket, outcome: Outcome, now: number): void;
}

/** An open circuit is waited for as long as this: a node that fails for longer is told of at once. */
const CIRCUIT_PATIENCE_MS = 5_000;
/** A node that has not begun is left alone for at least this, twice as long each time in a row. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

export function nodeState(id: string, first: NodeFacts, breaker: CircuitBreaker): NodeState {
  const inFlight = new Map<Ticket, Dispatched>();
  const measured = speed();
  let facts = first;
  let pausedUntil = 0;
  let refusals = 0;

  const there = () => facts.ready && !facts.draining;
  const rested = (now: number) => now >= pausedUntil && breaker.allows(now);

  function ownWork(): number {
    let total = 0;
    for (const { work } of inFlight.values()) total += work;
    return total;
  }

  function pause(askedMs: number, now: number): void {
    const least = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(refusals++, 10));
    pausedUntil = Math.max(pausedUntil, now + Math.max(least, askedMs));
  }

  const state: NodeState = {
    id,
    speed: measured,
    others: 0,
    get inFlight() {
      return inFlight.size;
    },
    get facts() {
      return facts;
    },
    update(now) {
      if (!facts.ready && now.ready) {
        // What refused and failed was there before.
        pausedUntil = 0;
        refusals = 0;
        breaker.cameBack();
      }
      facts = now;
    },
    get pausedUntil() {
      return pausedUntil;
    },
    ownWork,
    there,
    usable: (now) => inFlight.size < facts.maxConcurrent && rested(now),
    awaitable: (until, now) =>
      there()
        ? pausedUntil <= until && (breaker.openUntil ?? 0) - now <= CIRCUIT_PATIENCE_MS
        : now < (facts.expectedUntil ?? 0),
    get circuit() {
      return breaker.state;
    },
    opensAt: () => Math.max(pausedUntil, breaker.openUntil ?? 0),
    changesAt(now) {
      const times = [pausedUntil, breaker.openUntil ?? 0, there() ? 0 : (facts.expectedUntil ?? 0)];
      return Math.min(...times.map((time) => (time > now ? time : Number.POSITIVE_INFINITY)));
    },
    begin(ticket, now) {
      const trial = breaker.begin(now);
      const { work } = ticket;
      inFlight.set(ticket, { work, since: now, total: ownWork() + state.others + work, trial });
    },
    ended(ticket, outcome, now) {
      const dispatched = inFlight.get(ticket);
      if (!dispatched) return;
      inFlight.delete(ticket);
      const { since, total, trial } = dispatched;
      if (outcome === "made") measured.measure(ticket.model, (now - since) / 1000, total, now);
      if (outcome === "made" || outcome === "answered") {
        breaker.succeeded();
        refusals = 0;
      } else if (outcome === "failed" || outcome === "unreachable") breaker.failed(now, trial);
      else breaker.abandoned(trial);
      if (typeof outcome === "object") pause(outcome.busyForMs, now);
    },
  };
  return state;
}

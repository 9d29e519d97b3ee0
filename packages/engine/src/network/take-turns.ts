/** What of a lane decides whose turn it is. */
export interface Turn {
  readonly work: number;
}

/** Whose turn it is, of lanes that come and go. */
export interface Turns<T extends Turn> {
  enter(lane: T): void;
  leave(lane: T): void;
  /** Takes the turn of one of the lanes that wait, at least one of those entered. */
  next(waiting: ReadonlySet<T>): T;
}

/**
 * Every second turn belongs to the lane with the least work in all, the others go round. So a request of few steps takes at
 * most twice its steps beside any number of longer ones, and each of those gets on at every round. Of lanes with the same
 * work the one that came first is favoured.
 */
export function takeTurns<T extends Turn>(): Turns<T> {
  /** In the order in which they came; the number says when a lane had its last turn. */
  const lanes = new Map<T, number>();
  let clock = 0;
  let last: T | undefined;

  function favourite(): T | undefined {
    let least: T | undefined;
    for (const lane of lanes.keys()) if (least === undefined || lane.work < least.work) least = lane;
    return least;
  }

  function longestWithout(waiting: Iterable<T>): T | undefined {
    let found: T | undefined;
    for (const lane of waiting) {
      if (found === undefined || (lanes.get(lane) ?? 0) < (lanes.get(found) ?? 0)) found = lane;
    }
    return found;
  }

  return {
    enter: (lane) => void lanes.set(lane, clock++),
    leave: (lane) => {
      lanes.delete(lane);
      if (last === lane) last = undefined;
    },
    next: (waiting) => {
      const favoured = favourite();
      const others = [...waiting].filter((lane) => lane !== favoured);
      const isFavoured = favoured !== undefined && waiting.has(favoured) && (last !== favoured || others.length === 0);
      const chosen = isFavoured ? favoured : longestWithout(others);
      if (chosen === undefined) throw new RangeError("no lane waits");
      lanes.set(chosen, clock++);
      last = chosen;
      return chosen;
    },
  };
}

/** A small seeded generator (mulberry32, Tommy Ettinger): the same seed gives the same run on every machine. */
export interface Random {
  /** From 0 to below 1. */
  next(): number;
  /** An integer from `min` to `max`, both possible. */
  integer(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<Thing>(things: readonly Thing[]): Thing;
  bytes(size: number): Uint8Array;
}

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
  const integer = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    integer,
    chance: (probability) => next() < probability,
    pick(things) {
      const thing = things[integer(0, things.length - 1)];
      if (thing === undefined) throw new Error("nothing to pick from");
      return thing;
    },
    bytes: (size) => Uint8Array.from({ length: size }, () => integer(0, 255)),
  };
}

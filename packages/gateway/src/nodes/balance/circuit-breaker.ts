/** Keeps requests from a node that fails one after another; after a while lets a single one try. */
export interface CircuitBreaker {
  /** Whether a request may go there now. */
  allows(now: number): boolean;
  /** When it may be tried again; undefined while it is closed, or a trial is under way. */
  readonly openUntil: number | undefined;
  /** Whether the request that begins now is a trial. */
  begin(now: number): boolean;
  succeeded(): void;
  failed(now: number): void;
  /** A trial ended and says nothing about the node, as when its client left. */
  abandoned(): void;
}

export const BREAKER = { failures: 5, firstMs: 1_000, longestMs: 30_000 } as const;

/** Opens after five failures in a row, for a second at first, then twice as long each time, up to 30 s. */
export function circuitBreaker(settings: Readonly<Record<keyof typeof BREAKER, number>> = BREAKER): CircuitBreaker {
  let failures = 0;
  let openings = 0;
  let openUntil: number | undefined;
  let trial = false;
  return {
    allows: (now) => openUntil === undefined || (now >= openUntil && !trial),
    get openUntil() {
      return trial ? undefined : openUntil;
    },
    begin: () => {
      if (openUntil !== undefined) trial = true;
      return trial;
    },
    succeeded: () => {
      failures = 0;
      openings = 0;
      openUntil = undefined;
      trial = false;
    },
    failed: (now) => {
      failures++;
      trial = false;
      if (failures < settings.failures) return;
      openUntil = now + Math.min(settings.longestMs, settings.firstMs * 2 ** openings);
      openings = Math.min(openings + 1, 16);
    },
    abandoned: () => {
      trial = false;
    },
  };
}

export type CircuitState = "closed" | "open" | "trial";

/** Keeps requests from a node that fails one after another; after a while lets a single one try. */
export interface CircuitBreaker {
  /** Whether a request may go there now. */
  allows(now: number): boolean;
  /** When it may be tried again; undefined while it is closed, or a trial is under way. */
  readonly openUntil: number | undefined;
  /** `trial`: one request tries whether it works again. */
  readonly state: CircuitState;
  /** Whether the request that begins now is a trial: to be said again when it ends. */
  begin(now: number): boolean;
  succeeded(): void;
  failed(now: number, trial: boolean): void;
  /** It ended and says nothing about the node, as when its client left. */
  abandoned(trial: boolean): void;
  /** The node has come back from wherever it was: a trial need not wait any longer. */
  cameBack(): void;
}

const BREAKER = { failures: 5, firstMs: 1_000, longestMs: 30_000 } as const;

/** Opens after five failures in a row, for a second at first, then twice as long each time a trial fails, up to 30 s. */
export function circuitBreaker(settings: Readonly<Record<keyof typeof BREAKER, number>> = BREAKER): CircuitBreaker {
  let failures = 0;
  let openings = 0;
  let openUntil: number | undefined;
  let trying = false;
  return {
    allows: (now) => openUntil === undefined || (now >= openUntil && !trying),
    get openUntil() {
      return trying ? undefined : openUntil;
    },
    get state() {
      if (trying) return "trial";
      return openUntil === undefined ? "closed" : "open";
    },
    begin: () => {
      if (openUntil !== undefined) trying = true;
      return trying;
    },
    succeeded: () => {
      failures = 0;
      openings = 0;
      openUntil = undefined;
      trying = false;
    },
    failed: (now, trial) => {
      failures++;
      // What was under way when it opened tells nothing new.
      if (failures < settings.failures || (openUntil !== undefined && !trial)) return;
      trying = false;
      openUntil = now + Math.min(settings.longestMs, settings.firstMs * 2 ** openings);
      openings = Math.min(openings + 1, 16);
    },
    abandoned: (trial) => {
      if (trial) trying = false;
    },
    cameBack: () => {
      if (openUntil !== undefined) openUntil = 0;
    },
  };
}

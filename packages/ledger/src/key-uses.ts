import type { KeyId } from "./ids.ts";

/** Bounded, so that a flood of keys costs no memory. What does not fit is noted at the key's next use. */
const MAX_NOTED = 10_000;

export interface KeyUses {
  note(keyId: KeyId): void;
  /** Writes what was noted, if anything was. */
  flush(): Promise<void>;
}

/** Remembers when keys were used and writes it down together: at most every `intervalMs`, and when told to. */
export function createKeyUses(options: {
  now: () => number;
  intervalMs: number;
  write: (uses: ReadonlyMap<KeyId, number>) => Promise<void>;
  onFailure: (error: unknown) => void;
}): KeyUses {
  let uses = new Map<KeyId, number>();
  let flushedAt = options.now();

  async function flush(): Promise<void> {
    flushedAt = options.now();
    if (uses.size === 0) return;
    const written = uses;
    uses = new Map();
    await options.write(written);
  }

  function note(keyId: KeyId): void {
    const now = options.now();
    if (uses.size < MAX_NOTED || uses.has(keyId)) uses.set(keyId, now);
    // Losing a last use is no harm; it is only reported.
    // A clock that was set back by an hour must not stop it for as long.
    if (Math.abs(now - flushedAt) >= options.intervalMs) flush().catch(options.onFailure);
  }

  return { note, flush };
}

import type { IncomingMessage } from "node:http";
import { errors } from "@atoma/contract";
import { masked, readKey } from "@atoma/http";
import { type KeyId, type KeyRecord, type Ledger, parseKey, verifySecret } from "@atoma/ledger";
import type { Clock } from "../clock.ts";

/** Who asks: a key that was checked, with its account and rights. */
export type Caller = KeyRecord;

/** The part of a request that says who sent it. */
export type Credentials = Pick<IncomingMessage, "headers" | "rawHeaders" | "method">;

/** Finds out who asks. Throws ApiError 401, or 503 from a ledger that is away. */
export type Identify = (request: Credentials) => Promise<Caller>;

const CACHE_MS = 1000;
const CACHE_KEYS = 10_000;
/** What an unknown key is compared with, so that it takes as long as a wrong secret. */
const NOBODY = new Uint8Array(32);

/** Why a key is good no longer; undefined while it is. Only who has its secret is told. */
function faultOf({ revokedAt, disabledAt, expiresAt }: KeyRecord, now: number): string | undefined {
  if (revokedAt !== null) return "has been revoked";
  if (disabledAt !== null) return "is disabled";
  return expiresAt !== null && expiresAt <= now ? "has expired" : undefined;
}

/**
 * Reads nothing of the body. A key is looked up at most once a second, however many ask with it, so a revocation holds
 * everywhere within that second.
 */
export function identifier(ledger: Pick<Ledger, "findKey" | "touchKey">, clock: Clock): Identify {
  const cache = new Map<KeyId, { record: Promise<KeyRecord | undefined>; at: number }>();

  function find(keyId: KeyId): Promise<KeyRecord | undefined> {
    const known = cache.get(keyId);
    if (known && clock.monotonic() - known.at < CACHE_MS) return known.record;
    // What is found is at least as new as the moment before it was looked for.
    const lookup = { at: clock.monotonic(), record: ledger.findKey(keyId) };
    if (cache.size >= CACHE_KEYS) cache.clear();
    cache.set(keyId, lookup);
    lookup.record.catch(() => {
      if (cache.get(keyId) === lookup) cache.delete(keyId);
    });
    return lookup.record;
  }

  return async (request) => {
    const text = readKey(request);
    const key = parseKey(text);
    if (!key) throw errors.invalidKey(masked(text));
    const record = await find(key.keyId);
    const right = verifySecret(key.secret, record?.secretHash ?? NOBODY);
    if (!right || !record) throw errors.invalidKey(masked(text));
    const fault = faultOf(record, clock.now());
    if (fault !== undefined) throw errors.endedKey(masked(text), fault);
    ledger.touchKey(record.id);
    return record;
  };
}

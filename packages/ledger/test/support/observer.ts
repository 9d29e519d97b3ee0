// Watches a ledger from outside. It knows what was asked and what was answered, nothing of how it was decided, and says so
// when an answer breaks one of the promises.
import assert from "node:assert/strict";
import type { KeyRights, OperationResult, ReserveOperation, StoredHold } from "../../src/core/types.ts";
import { type Backend, RETENTION_MS } from "./backends.ts";

const WINDOW_MS = 60_000;
/** A window counts whole seconds, so a use may count for up to a second longer than the window. */
const GRAIN_MS = 1_000;

interface Seen {
  request: ReserveOperation;
  admittedAt: number;
  state: StoredHold["state"];
  posted: number;
  resolvedAt: number;
  response: string;
}

export interface Observer {
  reserved(request: ReserveOperation, key: KeyRights, result: OperationResult, now: number): void;
  resolved(holdId: string, units: number | null, response: string, result: OperationResult, now: number): void;
  /** A sweep went by: every hold whose deadline has come is expired. */
  swept(now: number): void;
  granted(accountId: string, units: number): void;
  cleaned(now: number): void;
  /** Compares every balance, and the holds that changed since the last time, with what was seen. */
  compare(backend: Backend): void;
}

export function createObserver(): Observer {
  const holds = new Map<string, Seen>();
  const open = new Map<string, Seen>();
  const changed = new Set<string>();
  const accounts = new Map<string, { credits: number; posted: number; pending: number }>();
  const admissions = new Map<string, { at: number; images: number }[]>();
  /** By account and idempotency key: the hold that owns it. */
  const owners = new Map<string, Seen>();

  const account = (id: string) => {
    const known = accounts.get(id) ?? { credits: 0, posted: 0, pending: 0 };
    accounts.set(id, known);
    return known;
  };
  const availableOf = (id: string): number => account(id).credits - account(id).posted - account(id).pending;
  const ownerName = (request: ReserveOperation): string => `${request.accountId} ${request.idempotency?.key}`;

  function usedSince(keyId: string, since: number, images: boolean): number {
    const recent = (admissions.get(keyId) ?? []).filter((use) => use.at > since);
    return images ? recent.reduce((sum, use) => sum + use.images, 0) : recent.length;
  }

  const running = (keyId: string, now: number): number =>
    [...open.values()].filter((seen) => seen.request.keyId === keyId && seen.request.deadline > now).length;

  function usable(request: ReserveOperation, key: KeyRights, now: number): boolean {
    const expired = key.expiresAt !== null && key.expiresAt <= now;
    return key.accountId === request.accountId && key.revokedAt === null && key.disabledAt === null && !expired;
  }

  const allowed = (request: ReserveOperation, key: KeyRights): boolean =>
    key.allowedModels === null || key.allowedModels.includes(request.model);

  function admit(request: ReserveOperation, key: KeyRights, now: number): void {
    assert(usable(request, key, now), "a key that may not be used was admitted");
    assert(allowed(request, key), "a model that is not allowed was admitted");
    assert(request.units <= availableOf(request.accountId), "more was held than there is");
    assert(!holds.has(request.holdId), "a hold was made twice");
    const { requestsPerMinute, imagesPerMinute, concurrentRequests } = key.limits;
    const since = now - WINDOW_MS;
    assert(usedSince(request.keyId, since, false) < (requestsPerMinute ?? Infinity), "too many requests a minute");
    const images = usedSince(request.keyId, since, true) + request.images;
    assert(images <= (imagesPerMinute ?? Infinity), "too many images a minute");
    assert(running(request.keyId, now) < (concurrentRequests ?? Infinity), "too many requests at once");
    const owner = request.idempotency === null ? undefined : owners.get(ownerName(request));
    assert.equal(owner, undefined, "one idempotency key, two generations");

    const seen: Seen = { request, admittedAt: now, state: "held", posted: 0, resolvedAt: 0, response: "" };
    holds.set(request.holdId, seen);
    open.set(request.holdId, seen);
    changed.add(request.holdId);
    if (request.idempotency !== null) owners.set(ownerName(request), seen);
    account(request.accountId).pending += request.units;
    // A limit counts from when it was set: without any limit a minute, nothing is counted.
    if (requestsPerMinute === null && imagesPerMinute === null) return;
    const uses = (admissions.get(request.keyId) ?? []).filter((use) => use.at > now - WINDOW_MS - GRAIN_MS);
    admissions.set(request.keyId, [...uses, { at: now, images: request.images }]);
  }

  /** A refusal needs its reason. */
  function refuse(request: ReserveOperation, key: KeyRights, result: OperationResult, now: number): void {
    const owner = request.idempotency === null ? undefined : owners.get(ownerName(request));
    const sameBody = owner?.request.idempotency?.fingerprint === request.idempotency?.fingerprint;
    switch (result.outcome) {
      case "key_invalid":
        assert(!usable(request, key, now), "a good key was refused");
        return;
      case "model_not_allowed":
        assert(!allowed(request, key), "an allowed model was refused");
        return;
      case "replay":
        assert(owner !== undefined && owner.state === "posted" && sameBody, "a replay of nothing");
        assert.equal(result.response, owner.response, "a replay of another answer");
        return;
      case "in_progress":
        assert(owner !== undefined && owner.state === "held" && sameBody, "in progress, but nothing runs");
        return;
      case "idempotency_key_reused":
        assert(owner !== undefined && !sameBody, "reused, but with the same body");
        return;
      case "insufficient_balance":
        assert.equal(result.available, availableOf(request.accountId));
        assert(request.units > result.available, "there was enough");
        return;
      case "rate_limited": {
        assert(result.retryAfterMs > 0 && result.retryAfterMs <= WINDOW_MS, "a wait out of range");
        const since = now - WINDOW_MS - GRAIN_MS;
        if (result.limit === "concurrency") {
          assert(running(request.keyId, now) >= result.limitValue, "refused below the limit");
          return;
        }
        const images = result.limit === "images";
        const used = usedSince(request.keyId, since, images) + (images ? request.images : 1);
        assert(used > result.limitValue, "refused below the limit");
        return;
      }
      default:
        assert.fail(`reserve answered ${result.outcome}`);
    }
  }

  function release(seen: Seen, state: "posted" | "voided" | "expired", units: number, now: number): void {
    assert.equal(seen.state, "held", "a hold was resolved twice");
    seen.state = state;
    seen.posted = units;
    seen.resolvedAt = now;
    open.delete(seen.request.holdId);
    changed.add(seen.request.holdId);
    account(seen.request.accountId).pending -= seen.request.units;
    account(seen.request.accountId).posted += units;
    if (state !== "posted" && seen.request.idempotency !== null) owners.delete(ownerName(seen.request));
  }

  return {
    reserved(request, key, result, now) {
      const again = holds.get(request.holdId);
      if (again !== undefined) {
        const expected = again.state === "held" && result.outcome === "held";
        assert(expected || result.outcome === "rejected", `a hold id again: ${result.outcome}`);
        return;
      }
      if (result.outcome !== "held") {
        refuse(request, key, result, now);
        return;
      }
      admit(request, key, now);
      assert.equal(result.available, availableOf(request.accountId), "the answer's balance is not the balance");
    },
    resolved(holdId, units, response, result, now) {
      const seen = holds.get(holdId);
      if (seen === undefined) {
        assert.equal(result.outcome, "not_found");
        return;
      }
      if (result.outcome === "rejected") {
        assert(seen.state === "held" && (units ?? 0) > seen.request.units, "a possible settlement was rejected");
        return;
      }
      assert(result.outcome === "posted" || result.outcome === "voided" || result.outcome === "expired");
      if (result.alreadyResolved) {
        assert.equal(result.outcome, seen.state, "already resolved, but otherwise");
        assert.equal(result.units, seen.posted, "already resolved, with other units");
        return;
      }
      assert.equal(result.outcome, units === null ? "voided" : "posted");
      assert.equal(result.units, units ?? 0);
      assert(result.units <= seen.request.units, "more was charged than was held");
      release(seen, result.outcome, result.units, now);
      seen.response = response;
    },
    swept(now) {
      for (const seen of [...open.values()]) if (seen.request.deadline <= now) release(seen, "expired", 0, now);
    },
    granted(accountId, units) {
      account(accountId).credits += units;
    },
    cleaned(now) {
      for (const [name, seen] of owners) {
        if (seen.state === "posted" && seen.resolvedAt + RETENTION_MS <= now) owners.delete(name);
      }
    },
    compare(backend) {
      for (const [id, expected] of accounts) {
        const found = backend.balance(id as Parameters<Backend["balance"]>[0]); // an id that this simulator made
        assert.deepEqual({ ...found }, expected, `the balance of ${id}`);
        assert(expected.credits - expected.posted - expected.pending >= 0, `${id} is overdrawn`);
      }
      for (const holdId of changed) {
        const seen = holds.get(holdId);
        const found = backend.hold(seen?.request.holdId ?? assert.fail("unknown hold"));
        assert.equal(found?.state, seen?.state, `the state of ${holdId}`);
        assert.equal(found?.postedUnits, seen?.posted, `the charge of ${holdId}`);
      }
      changed.clear();
    },
  };
}

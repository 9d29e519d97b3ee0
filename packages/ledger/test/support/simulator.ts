import assert from "node:assert/strict";
import type { KeyRights, Operation, OperationResult, ReserveOperation } from "../../src/core/types.ts";
import { type AccountId, accountIdFrom, type HoldId, holdIdFrom, type KeyId, keyIdFrom } from "../../src/ids.ts";
import type { Backend, Fate } from "./backends.ts";
import { createObserver } from "./observer.ts";
import { type Random, seededRandom } from "./random.ts";

const ACCOUNTS = 6;
const KEYS = 10;
const GATEWAYS = 3;
const MODELS = ["tiny", "large"];
const START = Date.UTC(2026, 0, 1);
const SWEEP_LIMIT = 50;

/** A request that a gateway has forwarded to a node and not finished. */
interface Job {
  holdId: HoldId;
  units: number;
}

/** A gateway's memory: all of it is lost when it crashes. */
interface Gateway {
  queue: Operation[];
  jobs: Job[];
}

export interface SimulationResult {
  /** Operations that reached a commit or a crash. */
  operations: number;
  outcomes: Map<string, number>;
  crashes: number;
}

function someLimits(random: Random): KeyRights["limits"] {
  return {
    requestsPerMinute: random.chance(0.4) ? random.integer(0, 12) : null,
    imagesPerMinute: random.chance(0.4) ? random.integer(1, 24) : null,
    concurrentRequests: random.chance(0.4) ? random.integer(1, 4) : null,
  };
}

function someRights(random: Random, accountId: AccountId, now: number): KeyRights {
  return {
    accountId,
    expiresAt: random.chance(0.1) ? now + random.integer(1, 100_000_000) : null,
    disabledAt: random.chance(0.05) ? now : null,
    revokedAt: random.chance(0.02) ? now : null,
    allowedModels: random.chance(0.2) ? [random.pick(MODELS)] : null,
    limits: someLimits(random),
  };
}

/**
 * Several gateways over one ledger: clients with and without idempotency keys, nodes that answer, fail, answer short or
 * never, crashes before and after commits, clocks that jump. After every step the observer compares the ledger with what it
 * saw. The seed decides everything.
 */
export function simulate(seed: number, operations: number, backend: Backend): SimulationResult {
  const random = seededRandom(seed);
  const observer = createObserver();
  const gateways: Gateway[] = Array.from({ length: GATEWAYS }, () => ({ queue: [], jobs: [] }));
  const accounts = Array.from({ length: ACCOUNTS }, (_, index) => accountIdFrom(`acct_${index}`));
  const keys = new Map<KeyId, KeyRights>();
  const requests: ReserveOperation[] = [];
  const result: SimulationResult = { operations: 0, outcomes: new Map(), crashes: 0 };
  let now = START;
  let serial = 0;

  function setUp(): void {
    for (const id of accounts) {
      backend.createAccount(id);
      grant(id);
    }
    for (let index = 0; index < KEYS; index++) {
      const id = keyIdFrom(`key_${index}`);
      const rights = { ...someRights(random, random.pick(accounts), now), revokedAt: null, disabledAt: null };
      keys.set(id, rights);
      backend.createKey(id, rights);
    }
  }

  function grant(id: AccountId): void {
    const units = random.integer(1, 5_000);
    serial += 1;
    backend.grant(id, units, `grant-${serial}`);
    observer.granted(id, units);
  }

  function newRequest(): ReserveOperation {
    const [keyId, rights] = random.pick([...keys]);
    const accountId = random.chance(0.02) ? random.pick(accounts) : rights.accountId;
    const fingerprint = random.chance(0.9) ? "body" : "another body";
    serial += 1;
    return {
      kind: "reserve",
      holdId: holdIdFrom(`hold_${serial}`),
      accountId,
      keyId,
      requestId: `request-${serial}`,
      model: random.pick(MODELS),
      images: random.integer(1, 4),
      units: random.integer(1, random.chance(0.1) ? 4_000 : 300),
      price: "{}",
      deadline: now + random.integer(1, 30_000),
      idempotency: random.chance(0.3) ? { key: `idempotency-${random.integer(1, 40)}`, fingerprint } : null,
    };
  }

  /** A new request; or, now and then, one of before again: with its hold id, or as a client's retry with a new one. */
  function clientAsks(gateway: Gateway): void {
    const earlier = requests.length > 0 && random.chance(0.15) ? random.pick(requests) : undefined;
    if (earlier === undefined) {
      const request = newRequest();
      requests.push(request);
      if (requests.length > 50) requests.shift();
      gateway.queue.push(request);
      return;
    }
    serial += 1;
    const holdId = random.chance(0.3) ? earlier.holdId : holdIdFrom(`hold_${serial}`);
    gateway.queue.push({ ...earlier, holdId, deadline: now + random.integer(1, 30_000) });
  }

  function nodeAnswers(gateway: Gateway): void {
    const [job] = gateway.jobs.splice(random.integer(0, gateway.jobs.length - 1), 1);
    if (job === undefined || random.chance(0.05)) return;
    const { holdId } = job;
    const settle = (units: number): Operation => ({ kind: "settle", holdId, units, response: `answer of ${holdId}` });
    if (random.chance(0.2)) gateway.queue.push({ kind: "void", holdId });
    else if (random.chance(0.03)) gateway.queue.push(settle(job.units + 1), { kind: "void", holdId });
    else gateway.queue.push(settle(random.chance(0.5) ? job.units : random.integer(1, job.units)));
    // Whoever lost an answer asks again, and a late cancel meets a settlement.
    if (random.chance(0.1)) gateway.queue.push(random.chance(0.5) ? settle(job.units) : { kind: "void", holdId });
  }

  function observe(operation: Operation, answer: OperationResult): void {
    result.outcomes.set(answer.outcome, (result.outcomes.get(answer.outcome) ?? 0) + 1);
    if (operation.kind === "reserve") {
      const rights = keys.get(operation.keyId) ?? assert.fail("unknown key");
      observer.reserved(operation, rights, answer, now);
    } else if (operation.kind === "settle") {
      observer.resolved(operation.holdId, operation.units, operation.response ?? "", answer, now);
    } else {
      observer.resolved(operation.holdId, null, "", answer, now);
    }
  }

  /** One batch. The gateway may die before its commit (nothing happened), or after it (it happened, and nobody was told). */
  function commit(gateway: Gateway): void {
    const batch = gateway.queue.splice(0);
    const fate: Fate = random.chance(0.02) ? "crash" : "commit";
    const results = backend.apply(batch, now, fate);
    result.operations += batch.length;
    if (results === undefined) {
      crash(gateway);
      return;
    }
    assert.equal(results.length, batch.length);
    const pairs = batch.map((operation, index) => [operation, results[index] ?? assert.fail("no result")] as const);
    // Settlements and releases are decided before reservations.
    for (const [operation, answer] of pairs) if (operation.kind !== "reserve") observe(operation, answer);
    for (const [operation, answer] of pairs) if (operation.kind === "reserve") observe(operation, answer);
    if (random.chance(0.02)) {
      crash(gateway);
      return;
    }
    for (const [operation, answer] of pairs) {
      const started = operation.kind === "reserve" && answer.outcome === "held";
      if (started) gateway.jobs.push({ holdId: operation.holdId, units: operation.units });
    }
  }

  function crash(gateway: Gateway): void {
    result.crashes += 1;
    gateway.queue = [];
    gateway.jobs = [];
  }

  function sweep(): void {
    if (backend.expire(now, SWEEP_LIMIT, random.chance(0.05) ? "crash" : "commit") === undefined) return;
    while ((backend.expire(now, SWEEP_LIMIT, "commit") ?? 0) > 0);
    observer.swept(now);
    backend.clean(now);
    observer.cleaned(now);
  }

  function administer(): void {
    if (random.chance(0.6)) {
      grant(random.pick(accounts));
      return;
    }
    const [id, rights] = random.pick([...keys]);
    const changed = someRights(random, rights.accountId, now);
    keys.set(id, changed);
    backend.changeKey(id, changed);
  }

  function pass(): void {
    now += random.integer(0, 3_000);
    if (random.chance(0.02)) now += random.integer(0, 120_000);
    if (random.chance(0.001)) now += 25 * 3_600_000;
  }

  function step(): void {
    const gateway = random.pick(gateways);
    const dice = random.next();
    if (dice < 0.45) clientAsks(gateway);
    else if (dice < 0.7 && gateway.jobs.length > 0) nodeAnswers(gateway);
    else if (dice < 0.9 && gateway.queue.length > 0) commit(gateway);
    else if (dice < 0.95) pass();
    else if (dice < 0.97) sweep();
    else if (dice < 0.98) administer();
    else if (dice < 0.981) crash(gateway);
    observer.compare(backend);
  }

  setUp();
  let checked = 0;
  while (result.operations < operations) {
    step();
    if (result.operations < checked + 1_000) continue;
    checked = result.operations;
    assert.deepEqual(backend.discrepancies(), [], "the journal disagrees");
  }
  sweep();
  sweep();
  observer.compare(backend);
  assert.deepEqual(backend.discrepancies(), [], "the journal disagrees");
  return result;
}

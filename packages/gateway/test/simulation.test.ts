import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { ApiError, type ImageJob, parseImageRequest } from "@atoma/contract";
import { type AccountId, type KeyRecord, type Ledger, openLedger } from "@atoma/ledger";
import pino from "pino";
import { forward } from "../src/generate/forward.ts";
import { openGeneration } from "../src/generate/generation.ts";
import { openRefusedKeys } from "../src/generate/refused-keys.ts";
import { reserve } from "../src/generate/reserve.ts";
import { settle } from "../src/generate/settle.ts";
import { openUnderWay } from "../src/generate/under-way.ts";
import { toOrder } from "../src/generate/validate.ts";
import { openVoidLater } from "../src/holds/void-later.ts";
import { type Asking, openRegistry } from "../src/nodes/registry.ts";
import { pictureMemory } from "../src/pictures/picture-memory.ts";
import { seeded } from "./support/cluster-simulation.ts";
import { type ManualClock, manualClock } from "./support/manual-clock.ts";
import { card } from "./support/scripted-node.ts";
import { type Conduct, type SimulatedNode, simulatedNode } from "./support/simulated-node.ts";

// The gateway's own steps, router and upstream, with nodes that fail, drain, lie, die and come back, and clients that leave, in
// simulated time. A run that fails names its seed: ATOMA_SIMULATION_SEED=… repeats it, ATOMA_SIMULATION_RUNS=10000 makes more.
const RUNS = Number(process.env.ATOMA_SIMULATION_RUNS ?? 150);
const FIRST = Number(process.env.ATOMA_SIMULATION_SEED ?? 1);
const ONE = process.env.ATOMA_SIMULATION_SEED !== undefined;

const GRANT = 1_000_000_000;
const QUEUE_TIMEOUT_MS = 20_000;
const GENERATION_TIMEOUT_MS = 40_000;
/**
 * Accounts take turns: one that waits sees another one get a node before it, and a few more where nodes that it has tried come back.
 * A starved account would see dozens; four is the most that 6,000 runs have shown.
 */
const MOST_OVERTAKEN = 6;

const CONDUCTS: readonly (readonly [Conduct, number])[] = [
  ["makes", 0.7],
  ["is busy", 0.08],
  ["breaks off", 0.06],
  ["fails", 0.04],
  ["lies about the size", 0.03],
  ["makes too few", 0.03],
  ["sends garbage", 0.02],
  ["hangs", 0.02],
  ["refuses", 0.02],
];

function drawn(random: () => number): Conduct {
  let left = random();
  return CONDUCTS.find(([, share]) => {
    left -= share;
    return left < 0;
  })?.[0] as Conduct; // the shares add up to one
}

/** A client's connection: all that a generation looks at. */
function connection(): { response: ServerResponse; leave(): void } {
  const response = Object.assign(new EventEmitter(), { destroyed: false, writableFinished: false });
  const leave = () => {
    response.destroyed = true;
    response.emit("close");
  };
  return { response: response as unknown as ServerResponse, leave };
}

interface Account {
  readonly id: AccountId;
  readonly key: KeyRecord;
}

async function newAccount(ledger: Ledger, name: string): Promise<Account> {
  const { id } = await ledger.createAccount({ name });
  await ledger.grant(id, GRANT, { reference: "start" });
  const { record } = await ledger.createKey({ accountId: id, name });
  return { id, key: record };
}

/** How many nodes other accounts get between two that an account gets while it waits. */
function fairness() {
  const waiting = new Map<string, number>();
  const overtaken = new Map<string, Map<string, number>>();
  return {
    /** Gives what to call when the request has a node that is there, or another one, or will get none. */
    enters(account: string): (got: "node" | "no node") => void {
      const before = waiting.get(account) ?? 0;
      waiting.set(account, before + 1);
      if (before === 0) overtaken.set(account, new Map());
      return (got) => {
        waiting.set(account, (waiting.get(account) ?? 0) - 1);
        if (got === "no node") return;
        overtaken.set(account, new Map());
        for (const [other, counts] of overtaken) {
          if (other === account || !waiting.get(other)) continue;
          const count = (counts.get(account) ?? 0) + 1;
          counts.set(account, count);
          assert.ok(count <= MOST_OVERTAKEN, `${other} waits, and saw ${account} get ${count} nodes`);
        }
      };
    },
  };
}

async function run(seed: number, ledger: Ledger, clock: ManualClock): Promise<void> {
  const random = seeded(seed);
  const log = pino({ level: "silent" });
  const capacity = 1 + Math.floor(random() * 3);
  const troubled = random() < 0.7;
  const nodes = new Map<string, SimulatedNode>();
  const names = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, i) => `n${i}`);
  for (const name of names) {
    nodes.set(name, simulatedNode({ clock, random, conduct: () => (troubled ? drawn(random) : "makes") }));
  }
  const at = (name: string) => nodes.get(name) ?? assert.fail(name);
  const configs = names.map((name) => ({
    name,
    url: `http://${name}`,
    maxConcurrent: capacity,
    trusted: random() < 0.5,
  }));
  const registry = openRegistry({
    nodes: configs,
    aliases: new Map(),
    log,
    clock,
    random,
    maxQueue: 20,
    queueTimeoutMs: QUEUE_TIMEOUT_MS,
    connect: ({ name }) => ({ pool: at(name), probes: at(name) }),
  });
  const fair = fairness();
  const watched = {
    ...registry,
    async acquire(candidates: Parameters<typeof registry.acquire>[0], asking: Asking) {
      const got = fair.enters(asking.account);
      try {
        const lease = await registry.acquire(candidates, asking);
        // A node that seems to be away is tried by requests that have not tried it yet, whoever waits for it.
        got(lease.node.presence.kind === "ready" ? "node" : "no node");
        return lease;
      } catch (error) {
        got("no node");
        throw error;
      }
    },
  };
  const voidLater = openVoidLater(ledger, log, clock);
  const context = {
    ledger,
    clock,
    log,
    registry: watched,
    randomBytes: (size: number) => Uint8Array.from({ length: size }, () => Math.floor(random() * 256)),
    refusedKeys: openRefusedKeys(clock),
    underWay: openUnderWay(),
    pictureMemory: pictureMemory(2 ** 20, () => assert.fail("a picture could not be stored")),
    files: {
      put: async () => {},
      get: async () => undefined,
      remove: async () => {},
      sweep: async () => 0,
      close: async () => {},
    },
    fileTtlMs: 90_000_000,
    voidLater,
    generationTimeoutMs: GENERATION_TIMEOUT_MS,
    ledgerPatienceMs: 1_000,
  };

  const accounts = await Promise.all(["a", "b", "c"].map((name) => newAccount(ledger, `${name}${seed}`)));
  const delivered = new Map<AccountId, number>(accounts.map(({ id }) => [id, 0]));
  const outcomes: string[] = [];

  async function ask(number: number): Promise<void> {
    // Most requests are one account's.
    const account = accounts[random() < 0.6 ? 0 : 1 + Math.floor(random() * 2)] ?? assert.fail();
    const fields = { model: "scripted", prompt: "p", n: 1 + Math.floor(random() * 2), response_format: "b64_json" };
    const job: ImageJob = parseImageRequest(fields, { findModel: () => card });
    const { response, leave } = connection();
    if (random() < 0.15) clock.setTimeout(leave, random() * 5_000);
    const identity = { requestId: `r${seed}-${number}`, idempotencyKey: undefined, body: new Uint8Array() };
    try {
      const order = toOrder(job, account.key, registry);
      const hold = await reserve(order, identity, account.key, context);
      assert.ok(hold.kind === "hold");
      await using generation = openGeneration(response, identity.requestId, hold, context);
      const made = await forward({ ...order, ...generation, pictures: undefined }, context);
      assert.equal(made.pictures.length, job.n);
      await settle(made, order, generation, context);
      delivered.set(account.id, (delivered.get(account.id) ?? 0) + order.units);
      outcomes.push("delivered");
    } catch (error) {
      assert.ok(error instanceof ApiError, `${error instanceof Error ? error.stack : error}`);
      outcomes.push(error.code ?? String(error.status));
    }
  }

  await Promise.all([registry.probe(), clock.advance(100)]);
  const requests: Promise<void>[] = [];
  const count = 10 + Math.floor(random() * 20);
  for (let number = 0; number < count; number++) {
    const asking = ask(number);
    // It is awaited below, where a failure is told with its seed.
    asking.catch(() => {});
    requests.push(asking);
    const node = at(names[Math.floor(random() * names.length)] ?? "");
    const event = troubled ? random() : 1;
    if (event < 0.04) {
      node.up = false;
      node.crash();
    } else if (event < 0.07) node.crash();
    else if (event < 0.1) node.ready = false;
    else if (event < 0.13) registry.replace(configs.map((one) => ({ ...one, draining: random() < 0.3 })));
    else if (event < 0.25) {
      node.up = true;
      node.ready = true;
    }
    await clock.advance(random() * 800);
  }
  // Whatever happened, each request has its end by its own deadline.
  await clock.advance(GENERATION_TIMEOUT_MS + 1_000);
  await Promise.all(requests);
  assert.equal(outcomes.length, count);
  if (!troubled)
    assert.ok(
      outcomes.every(
        (outcome) => ["delivered", "overloaded", "client_closed_request"].includes(outcome) || outcome === "499",
      ),
      outcomes.join(" "),
    );

  for (const [name, node] of nodes) {
    assert.ok(node.most <= capacity, `${name} had ${node.most} requests at a time, and may have ${capacity}`);
    assert.equal(new Set(node.begun).size, node.begun.length, `${name} began a request twice`);
  }
  for (const { id } of accounts) {
    const account = (await ledger.getAccount(id)) ?? assert.fail();
    assert.equal(account.pending, 0, "a hold is left");
    assert.equal(account.posted, delivered.get(id), "charged, and not delivered");
  }
  assert.equal(context.pictureMemory.usedBytes, 0);
  assert.equal(registry.waiting(), 0);
  for (const { inFlight, name } of registry.status()) assert.equal(inFlight, 0, `${name} still has requests`);
  await Promise.all([registry.close(), clock.advance(3_000)]);
  await voidLater.close();
}

test(`${ONE ? 1 : RUNS} runs of nodes that fail, drain, lie and come back, and of clients that leave`, async () => {
  const clock = manualClock();
  const ledger = await openLedger("sqlite::memory:", { now: clock.now });
  try {
    for (let seed = FIRST; seed < FIRST + (ONE ? 1 : RUNS); seed++) {
      try {
        await run(seed, ledger, clock);
      } catch (error) {
        throw new Error(`ATOMA_SIMULATION_SEED=${seed}`, { cause: error });
      }
    }
    assert.deepEqual(await ledger.verify(), []);
    assert.equal(clock.pending, 0, "timers are left");
  } finally {
    await ledger.close();
  }
});

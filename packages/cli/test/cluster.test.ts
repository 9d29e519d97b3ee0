import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AtomaSDK } from "atoma-sdk";
import OpenAI from "openai";
import sharp from "sharp";
import {
  type Cluster,
  draw,
  eventually,
  inParallel,
  type Outcome,
  type Process,
  startAtoma,
  startCluster,
  startFaulty,
} from "./support/cluster.ts";
import { staysFlat, usagesOf } from "./support/flat.ts";
import { atoma, root } from "./support/up.ts";

const REQUESTS = Number(process.env.ATOMA_CLUSTER_REQUESTS ?? 200);
const DISCONNECTS = Number(process.env.ATOMA_CLUSTER_DISCONNECTS ?? 1000);
const TINY = `${root}models/tiny`;
const UNITS = 256 * 256;
/** Of a gateway, connections to a node besides those of its requests. */
const PROBES = 1;
/** Of the model, as many steps as it takes. */
const MAX_STEPS = 100;
/** What a client may be told when no picture comes; docs/api.md. */
const DOCUMENTED = ["node_bad_response", "node_unreachable", "generation_failed", "overloaded", "timeout"];

let cluster: Cluster;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster[Symbol.asyncDispose]());

// No command is to find another gateway on this machine.
const run = (...args: string[]) =>
  atoma(args, { ATOMA_DATABASE_URL: cluster.databaseUrl, ATOMA_URL: "http://127.0.0.1:1" });
const gatewayUrl = (i: number) => cluster.gateways[i % cluster.gateways.length]?.where ?? "";

async function startFaultyNode(env: Record<string, string>): Promise<Process> {
  const node = await startFaulty(env);
  cluster.others.add(node);
  return node;
}

async function startJoining(token: string): Promise<Process> {
  const args = ["node", "--port", "0", "--models", TINY, "--node-threads", "1", "--log-level", "error"];
  const node = await startAtoma([...args, "--join", gatewayUrl(0), "--token", token]);
  cluster.others.add(node);
  return node;
}

async function expectNode(name: string): Promise<string> {
  const { out, err } = await run("nodes", "expect", name);
  const [token = ""] = out.split("\n");
  assert.match(token, /^atoma-join-/, err);
  return token;
}

async function usage() {
  const today = new Date().toISOString().slice(0, 10);
  const rows = await cluster.ledger.usage({ from: "2000-01-01", to: today });
  const sum = (pick: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + pick(row), 0);
  return { requests: sum((row) => row.requests), units: sum((row) => row.units) };
}

const gateways = () => Object.fromEntries(cluster.gateways.map((gateway, i) => [`gateway ${i}`, gateway]));

async function nothingHeld(): Promise<void> {
  await eventually(async () => (await cluster.ledger.getAccount(cluster.accountId))?.pending === 0);
  assert.deepEqual(await cluster.ledger.verify(), []);
}

function tally(outcomes: readonly Outcome[]): string {
  const counts = new Map<string, number>();
  for (const { status, code } of outcomes) {
    const what = code === null ? String(status) : `${status} ${code}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].map(([what, count]) => `${count} × ${what}`).join(", ");
}

test("two gateways share their nodes; a node joins, is checked, and a rolling restart under load loses no request", async (t) => {
  const settings = `generation_timeout_s = 60\ndefault_model = "atoma-tiny"\n`;
  await cluster.startGateway(settings);
  await cluster.startGateway(settings);
  const tokens = [await expectNode("alpha"), await expectNode("beta")];
  const [alpha, beta] = await Promise.all(tokens.map(startJoining));
  assert.ok(alpha && beta);
  for (const i of [0, 1]) await eventually(async () => (await draw(gatewayUrl(i), cluster.key)).status === 200);

  await t.test("nodes list and check say how things are", async () => {
    // No gateway is asked here: this is what the ledger says.
    const { out } = await run("nodes", "list");
    assert.match(out, /^alpha +http:\/\/127\.0\.0\.1:\d+ +atoma +unknown +- +- +joins$/m);
    const checked = await run("nodes", "check", alpha.where, "--token", "wrong");
    assert.equal(checked.code, 1);
    assert.match(checked.out, /^wrong: no node of the dialect atoma is ready .*\n.*\n {7}it refuses this token$/m);
    assert.equal((await run("nodes", "drain", "alpha")).code, 0);
    assert.match((await run("nodes", "list")).out, /^alpha .* draining +- +- +joins$/m);
    assert.equal((await run("nodes", "resume", "alpha")).code, 0);
  });

  const before = await usage();
  let nodes = [alpha, beta];
  const restart = async (i: number) => {
    assert.equal(await nodes[i]?.end("SIGTERM"), 0);
    const fresh = await startJoining(tokens[i] ?? "");
    nodes = nodes.map((node, at) => (at === i ? fresh : node));
  };
  let made = 0;

  /** Draws all the while; every client of it must get all its pictures. */
  async function underLoad(
    clients: readonly (() => Promise<unknown>)[],
    work: (moreDrawn: () => Promise<void>) => Promise<void>,
  ): Promise<number> {
    let drawn = 0;
    let over = false;
    const load = Promise.all(
      clients.map(async (client) => {
        while (!over) {
          await client();
          drawn++;
        }
      }),
    );
    const moreDrawn = async () => {
      const reached = drawn + 2 * clients.length;
      await Promise.race([load, eventually(() => drawn >= reached, 60_000)]);
    };
    try {
      await work(moreDrawn);
    } finally {
      over = true;
      await load;
    }
    assert.ok(drawn >= 2 * clients.length);
    made += drawn;
    return drawn;
  }

  await t.test(
    "nodes restart one after the other, and then both at once: nobody is even told to come back",
    async (t) => {
      const clients = [0, 1, 2, 3].map((i) => async () => {
        const { status, code } = await draw(gatewayUrl(i), cluster.key);
        assert.equal(status, 200, code ?? "");
      });
      const drawn = await underLoad(clients, async (moreDrawn) => {
        for (const i of [0, 1]) {
          await restart(i);
          await moreDrawn();
        }
        await Promise.all([restart(0), restart(1)]);
        await moreDrawn();
      });
      t.diagnostic(`${drawn} pictures`);
    },
  );

  await t.test("gateways restart one after the other: clients that try again get all their pictures", async (t) => {
    const fields = { model: "atoma-tiny", prompt: "a red circle", size: "256x256" } as const;
    // Each knows one gateway only, and nothing stands before it.
    const clients = [0, 1].flatMap((i) => {
      const openai = new OpenAI({ apiKey: cluster.key, baseURL: `${gatewayUrl(i)}/v1`, maxRetries: 8 });
      const sdk = new AtomaSDK({ bearerAuth: cluster.key, serverURL: gatewayUrl(i) });
      const retries = { strategy: "backoff", retryConnectionErrors: true } as const;
      return [() => openai.images.generate(fields), () => sdk.images.generate(fields, { retries })];
    });
    const drawn = await underLoad(clients, async (moreDrawn) => {
      for (const i of [0, 1]) {
        await cluster.restartGateway(i);
        await moreDrawn();
      }
    });
    t.diagnostic(`${drawn} pictures`);
  });

  await nothingHeld();
  assert.equal((await usage()).requests - before.requests, made, "each is charged once");
  await Promise.all(nodes.map((node) => node.end("SIGTERM")));
  for (const name of ["alpha", "beta"]) assert.equal((await run("nodes", "remove", name)).code, 0);
});

test("faults, kill -9 and restarts: every request ends in a picture or a documented error, none charged wrongly", async (t) => {
  await cluster.endGateways();
  const faulty = await Promise.all(["11", "22", "33"].map((SEED) => startFaultyNode({ SEED, FAULTS: "1" })));
  const tables = faulty.map(
    ({ where }, i) =>
      `[[nodes]]\nname = "f${i}"\nurl = "http://127.0.0.1:${where}"\ndialect = "sglang"\nmax_concurrent = 4\n` +
      `[[nodes.models]]\nid = "atoma-tiny"\n`,
  );
  const toml = `generation_timeout_s = 4\n${tables.join("\n")}`;
  await cluster.startGateway(toml);
  await cluster.startGateway(toml);
  const token = await expectNode("real");
  let real = await startJoining(token);
  await eventually(async () => (await draw(gatewayUrl(0), cluster.key)).status === 200);
  const before = await usage();
  const outcomes: Outcome[] = [];
  const drawMany = (count: number) =>
    inParallel(count, 12, async (i) => {
      outcomes.push(await draw(gatewayUrl(i), cluster.key));
    });
  const usages = () => usagesOf(gateways(), faulty);
  const warmUp = Math.ceil(REQUESTS / 4);
  await drawMany(warmUp);
  const warm = await usages();
  const load = drawMany(REQUESTS - warmUp);
  const reached = (share: number) => eventually(() => outcomes.length >= REQUESTS * share, 240_000);

  const restart = async (i: number, signal: NodeJS.Signals) => {
    const old = faulty[i];
    assert.ok(old);
    await old.end(signal);
    faulty[i] = await startFaultyNode({ SEED: `${i}${i}${i}`, FAULTS: "1", PORT: old.where });
  };
  await reached(0.3);
  await restart(0, "SIGKILL");
  await real.end("SIGKILL");
  real = await startJoining(token);
  await reached(0.5);
  for (const i of [1, 2]) await restart(i, "SIGTERM");
  await real.end("SIGTERM");
  real = await startJoining(token);
  await load;

  t.diagnostic(tally(outcomes));
  assert.equal(outcomes.length, REQUESTS);
  let made = 0;
  for (const { status, code, bytes } of outcomes) {
    if (status !== 200) {
      assert.ok(DOCUMENTED.includes(code ?? ""), `${status} ${code}`);
      continue;
    }
    made++;
    const { width, height, format } = await sharp(bytes).metadata();
    assert.deepEqual([width, height, format], [256, 256, "png"]);
  }
  assert.ok(made > REQUESTS / 2, `${made} of ${REQUESTS}`);
  await nothingHeld();
  const charged = await usage();
  assert.equal(charged.requests - before.requests, made, "every picture is charged once, and nothing else");
  assert.equal(charged.units - before.units, made * UNITS);
  for (const node of faulty) await eventually(async () => (await cluster.stats(node)).active === 0);
  await staysFlat(t, warm, usages, { connections: faulty.length * (4 + PROBES) });
  await real.end("SIGKILL");
});

test(`${DISCONNECTS} clients that leave at random moments leak no connection and no hold, and stop every generation`, async (t) => {
  await cluster.endGateways();
  const nodes = [
    await startFaultyNode({ SEED: "1", MAX_MS: "200" }),
    await startFaultyNode({ SEED: "2", MAX_MS: "200" }),
  ] as const;
  const tables = nodes.map(
    ({ where }, i) =>
      `[[nodes]]\nname = "q${i}"\nurl = "http://127.0.0.1:${where}"\ndialect = "sglang"\nmax_concurrent = 16\n` +
      `[[nodes.models]]\nid = "atoma-tiny"\n`,
  );
  await cluster.startGateway(tables.join("\n"));
  await cluster.startGateway(tables.join("\n"));
  await eventually(async () => (await draw(gatewayUrl(0), cluster.key)).status === 200);
  const before = await usage();
  let left = 0;
  let stayed = 0;
  /** Has clients come, 32 at a time, until so many have left. */
  const comeAndGo = (target: number) =>
    inParallel(32, 32, async (worker) => {
      for (let i = worker; left < target; i++) {
        const leaving = new AbortController();
        const timer = setTimeout(() => leaving.abort(), Math.random() * 500);
        try {
          const { status } = await draw(gatewayUrl(i), cluster.key, { stream: i % 4 === 0 }, leaving.signal);
          assert.equal(status, 200);
          stayed++;
        } catch (error) {
          if (!leaving.signal.aborted) throw error;
          left++;
        } finally {
          clearTimeout(timer);
        }
      }
    });
  const usages = () => usagesOf({ ...gateways(), q0: nodes[0], q1: nodes[1] }, nodes);
  const warmUp = Math.ceil(DISCONNECTS / 4);
  await comeAndGo(warmUp);
  const warm = await usages();
  await comeAndGo(DISCONNECTS);
  t.diagnostic(`${left} left, ${stayed} stayed`);
  assert.ok(left >= DISCONNECTS);
  await nothingHeld();
  for (const node of nodes) await eventually(async () => (await cluster.stats(node)).active === 0);
  const totals = await Promise.all(nodes.map((node) => cluster.stats(node)));
  const sum = (pick: (stats: (typeof totals)[number]) => number) => totals.reduce((all, stats) => all + pick(stats), 0);
  assert.equal(
    sum((s) => s.started),
    sum((s) => s.ended) + sum((s) => s.stopped),
  );
  assert.ok(sum((s) => s.stopped) > 0);
  const charged = (await usage()).requests - before.requests;
  // Who left after its picture was charged has paid for it; never for one that was not made.
  assert.ok(charged >= stayed && charged <= sum((s) => s.ended), `${charged} charged, ${stayed} stayed`);
  // The pools still work, at their full width.
  const again = await inParallel(64, 32, (i) => draw(gatewayUrl(i), cluster.key));
  assert.equal(tally(again), "64 × 200");
  // As many at a gateway as at a node: there are two of each. Nodes have a socket that listens, too.
  await staysFlat(t, warm, usages, { connections: 2 * (16 + PROBES) + 1 });
});

test("our own nodes stop, too, when clients leave: nothing is drawn for nobody", async () => {
  await cluster.endGateways();
  const args = ["node", "--port", "0", "--models", TINY, "--node-threads", "1", "--log-level", "error"];
  const node = await startAtoma(args);
  cluster.others.add(node);
  await cluster.startGateway(`[[nodes]]\nname = "own"\nurl = "${node.where}"\n`);
  await eventually(async () => (await draw(gatewayUrl(0), cluster.key)).status === 200);
  const before = await usage();
  const leavers = Array.from({ length: 40 }, async (_, i) => {
    const leaving = new AbortController();
    setTimeout(() => leaving.abort(), 200 + Math.random() * 1000);
    const fields = { steps: MAX_STEPS, n: 10, stream: i % 2 === 0, partial_images: i % 2 === 0 ? 2 : 0 };
    await assert.rejects(draw(gatewayUrl(0), cluster.key, fields, leaving.signal));
  });
  await Promise.all(leavers);
  await nothingHeld();
  // A thousand steps for each of those that reached it would keep it busy for minutes.
  await eventually(async () => {
    const load = (await (await fetch(new URL("/v1/load", node.where))).json()) as Record<string, unknown>;
    return load.running === 0 && load.queued === 0 && load.pending_pixel_steps === 0;
  });
  assert.equal((await usage()).requests, before.requests);
  assert.equal((await draw(gatewayUrl(0), cluster.key)).status, 200);
  await node.end("SIGTERM");
});

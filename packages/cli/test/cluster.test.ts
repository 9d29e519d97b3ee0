import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
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
import { atoma, root } from "./support/up.ts";

const REQUESTS = Number(process.env.ATOMA_CLUSTER_REQUESTS ?? 200);
const DISCONNECTS = Number(process.env.ATOMA_CLUSTER_DISCONNECTS ?? 1000);
const TINY = `${root}models/tiny`;
const UNITS = 256 * 256;
/** What a client may be told when no picture comes; docs/api.md. */
const DOCUMENTED = ["node_bad_response", "node_unreachable", "generation_failed", "overloaded", "timeout"];

let cluster: Cluster;
before(async () => {
  cluster = await startCluster();
});
after(() => cluster[Symbol.asyncDispose]());

const run = (...args: string[]) => atoma(args, { ATOMA_DATABASE_URL: cluster.databaseUrl });
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

/** A picture for a client that comes back, as the SDK does, when it is told that nothing was begun. */
async function drawPatiently(url: string): Promise<Outcome> {
  for (let left = 5; ; left--) {
    const outcome = await draw(url, cluster.key);
    if (outcome.status !== 503 || left === 0) return outcome;
    await sleep(outcome.retryAfterMs);
  }
}

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
    const { out } = await run("nodes", "list");
    assert.match(out, /^alpha {2}http:\/\/127\.0\.0\.1:\d+\/ {2}atoma {2}there {2}joins$/m);
    const checked = await run("nodes", "check", alpha.where, "--token", "wrong");
    assert.equal(checked.code, 1);
    assert.match(checked.out, /^wrong: no node of the dialect atoma is ready .*\n.*\n {7}it refuses this token$/m);
    assert.equal((await run("nodes", "drain", "alpha")).code, 0);
    assert.match((await run("nodes", "list")).out, /^alpha {2}.* {2}draining {2}joins$/m);
    assert.equal((await run("nodes", "resume", "alpha")).code, 0);
  });

  const before = await usage();
  let over = false;
  const outcomes: Outcome[] = [];
  const load = inParallel(4, 4, async (worker) => {
    for (let i = 0; !over; i++) outcomes.push(await drawPatiently(gatewayUrl(worker + i)));
  });
  let nodes = [alpha, beta];
  for (const [i, token] of tokens.entries()) {
    const old = nodes[i];
    assert.equal(await old?.end("SIGTERM"), 0);
    const fresh = await startJoining(token);
    nodes = nodes.map((node, at) => (at === i ? fresh : node));
    const reached = outcomes.length + 4;
    await eventually(() => outcomes.length >= reached, 60_000);
  }
  over = true;
  await load;
  assert.equal(tally(outcomes), `${outcomes.length} × 200`);
  assert.ok(outcomes.length > 8);
  await nothingHeld();
  assert.equal((await usage()).requests - before.requests, outcomes.length);
  await Promise.all(nodes.map((node) => node.end("SIGTERM")));
  for (const name of ["alpha", "beta"]) assert.equal((await run("nodes", "remove", name)).code, 0);
});

test("faults, kill -9 and restarts: every request ends in a picture or a documented error, none charged wrongly", async (t) => {
  await Promise.all(cluster.gateways.splice(0).map((gateway) => gateway.end("SIGTERM")));
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
  const load = inParallel(REQUESTS, 12, async (i) => {
    const outcome = await draw(gatewayUrl(i), cluster.key);
    outcomes.push(outcome);
    return outcome;
  });
  const reached = (share: number) => eventually(() => outcomes.length >= REQUESTS * share, 240_000);

  const restart = async (i: number, signal: NodeJS.Signals) => {
    const old = faulty[i];
    assert.ok(old);
    await old.end(signal);
    faulty[i] = await startFaultyNode({ SEED: `${i}${i}${i}`, FAULTS: "1", PORT: old.where });
  };
  await reached(0.2);
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
  await real.end("SIGKILL");
});

test(`${DISCONNECTS} clients that leave at random moments leak no connection and no hold, and stop every generation`, async (t) => {
  await Promise.all(cluster.gateways.splice(0).map((gateway) => gateway.end("SIGTERM")));
  const nodes = await Promise.all(["1", "2"].map((SEED) => startFaultyNode({ SEED, MAX_MS: "200" })));
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
  await inParallel(DISCONNECTS, 32, async (i) => {
    const leaving = new AbortController();
    const timer = setTimeout(() => leaving.abort(), Math.random() * 500);
    try {
      const { status } = await draw(gatewayUrl(i), cluster.key, { stream: false }, leaving.signal);
      assert.equal(status, 200);
      stayed++;
    } catch (error) {
      if (!leaving.signal.aborted) throw error;
      left++;
    } finally {
      clearTimeout(timer);
    }
  });
  t.diagnostic(`${left} left, ${stayed} stayed`);
  assert.ok(left > DISCONNECTS / 4);
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
});

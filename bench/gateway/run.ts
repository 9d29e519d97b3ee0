// What the gateway adds to a request, beside a bare proxy of node:http and nginx in the same run:
// `npm run bench -- [--rounds 3] [--requests 400] [--cases 2KB] [--postgres] [--pin 1] [--json FILE] [--peer NAME=URL,PID]`.
// The servers take turns, round by round, each in a process of its own; CPU is the operating system's figure for that process, all its
// threads. `--peer` adds a proxy that runs already, such as Portkey or LiteLLM (docs/performance.md).
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { closedLoop, median, openLoop, peakBytes, quantile } from "./measure.ts";
import { startNginx } from "./nginx.ts";
import { agent, type Server, start, stop, tell } from "./processes.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    requests: { type: "string", default: "400" },
    clients: { type: "string", default: "1,32,256" },
    cases: { type: "string", default: "" },
    postgres: { type: "boolean", default: false },
    pin: { type: "string" },
    json: { type: "string" },
    peer: { type: "string", multiple: true, default: [] },
  },
});
const ROUNDS = Number(flags.rounds);
const REQUESTS = Number(flags.requests);
const JSON_ANSWER = { response_format: "b64_json" };
const CASES = [
  { name: "2KB", prompt: "2048x1", fields: JSON_ANSWER, weight: 1 },
  { name: "2KB-sse", prompt: "2048x1", fields: { stream: true }, weight: 1 },
  { name: "2KB-url", prompt: "2048x1", fields: { response_format: "url" }, weight: 1 },
  { name: "1.4MB", prompt: "1400000x1", fields: JSON_ANSWER, weight: 8 },
  { name: "4x2MB", prompt: "2000000x4", fields: { ...JSON_ANSWER, n: 4 }, weight: 40 },
].filter(({ name }) => name.includes(flags.cases));

interface Row {
  readonly case: string;
  readonly clients: number;
  readonly server: string;
  /** Medians over the rounds. */
  readonly cpuUs: number;
  readonly timesBare: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
}

const folder = await mkdtemp(join(tmpdir(), "atoma-bench-"));
const pin = flags.pin === undefined ? [] : ["taskset", "-c", flags.pin];
const node = await start("node");
const servers = new Map<string, Server>();
servers.set("bare", await start("floor", [node.url], { pin }));
const nginx = await startNginx(node.url, join(folder, "nginx"), pin);
if (nginx) servers.set("nginx", nginx);
servers.set("ours", await start("gateway", [node.url, join(folder, "a")], { pin }));
servers.set("ours, trusted", await start("gateway", [node.url, join(folder, "b"), "trusted"], { pin }));
let postgres: { readonly url: string; stop(): Promise<void> } | undefined;
if (flags.postgres) {
  const { startPostgres } = await import("../../packages/ledger/test/support/postgres.ts");
  postgres = await startPostgres();
  servers.set("ours, pg", await start("gateway", [node.url, join(folder, "c"), "trusted", postgres.url], { pin }));
}
const peers = flags.peer.map((text) => /^([^=]+)=([^,]+),(\d+)$/.exec(text) ?? []);
const rows: Row[] = [];

async function compare(one: (typeof CASES)[number], clients: number): Promise<void> {
  const body = JSON.stringify({ model: "scripted", prompt: one.prompt, ...one.fields });
  const requests = Math.max(clients, Math.ceil(REQUESTS / one.weight));
  const loads = new Map<string, { cpu: number[]; p50: number[]; p99: number[]; rate: number[] }>();
  for (const server of servers.values()) await closedLoop(server, body, requests, clients);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, server] of servers) {
      const { times, cpuUs, seconds } = await closedLoop(server, body, requests, clients);
      const into = loads.get(name) ?? { cpu: [], p50: [], p99: [], rate: [] };
      loads.set(name, into);
      into.cpu.push(cpuUs / requests);
      into.p50.push(quantile(times, 0.5));
      into.p99.push(quantile(times, 0.99));
      into.rate.push(requests / seconds);
    }
  }
  const bare = median(loads.get("bare")?.cpu ?? []);
  for (const [server, { cpu, p50, p99, rate }] of loads) {
    const row = { cpuUs: median(cpu), p50Ms: median(p50), p99Ms: median(p99), perSecond: median(rate) };
    rows.push({ case: one.name, clients, server, timesBare: row.cpuUs / bare, ...row });
  }
}

function print(some: readonly Row[]): void {
  for (const { case: name, clients, server, cpuUs, timesBare, p50Ms, p99Ms } of some) {
    const cells = [name, clients, server, cpuUs.toFixed(0), timesBare.toFixed(2), p50Ms.toFixed(1), p99Ms.toFixed(1)];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

/** Requests that come at half of what was reached with 32 clients, whether the ones before are answered or not. */
async function atHalfLoad(): Promise<void> {
  console.log("\n| open loop at half load, 2KB | requests/s | p50 ms | p99 ms |\n|---|---|---|---|");
  const body = JSON.stringify({ model: "scripted", prompt: "2048x1", ...JSON_ANSWER });
  for (const [name, server] of servers) {
    const { seconds } = await closedLoop(server, body, REQUESTS, 32);
    const rate = REQUESTS / seconds / 2;
    const { times } = await openLoop(server, body, REQUESTS, rate);
    const cells = [name, rate.toFixed(0), quantile(times, 0.5).toFixed(1), quantile(times, 0.99).toFixed(1)];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

/** The most memory of a gateway that has 64 pictures of 8 MB on their way, and how long its event loop stood still. */
async function largePictures(): Promise<void> {
  const fresh = await start("gateway", [node.url, join(folder, "d"), "trusted"], { pin });
  const body = JSON.stringify({ model: "scripted", prompt: "8000000x1", ...JSON_ANSWER });
  await tell(fresh, "stall");
  await closedLoop(fresh, body, 64, 64);
  const { ms } = await tell(fresh, "stall");
  console.log(
    `\n64 × 8 MB: ${(peakBytes(fresh.pid) / 2 ** 20).toFixed(0)} MiB resident at the most, loop held ${ms.toFixed(0)} ms`,
  );
  await stop(fresh);
}

try {
  for (const [, name, url, pid] of peers) {
    if (!name || !url) throw new Error("--peer NAME=URL,PID");
    servers.set(name, { ...(servers.get("bare") as Server), url, pid: Number(pid) });
  }
  console.log(`load ${loadavg()[0]?.toFixed(1)}, ${availableParallelism()} cores, ${ROUNDS} rounds; medians\n`);
  console.log(
    "| case | clients | server | CPU µs a request | × bare | p50 ms | p99 ms |\n|---|---|---|---|---|---|---|",
  );
  for (const one of CASES) {
    for (const clients of flags.clients.split(",").map(Number)) {
      await compare(one, clients);
      print(rows.slice(-servers.size));
    }
  }
  if (flags.cases === "") {
    await atHalfLoad();
    await largePictures();
  }
  if (flags.json !== undefined) await writeFile(flags.json, JSON.stringify({ load: loadavg(), rows }, undefined, 2));
} finally {
  agent.destroy();
  const names = new Set(peers.map(([, name]) => name));
  for (const [name, server] of servers) if (!names.has(name)) await stop(server);
  await stop(node);
  await postgres?.stop();
  await rm(folder, { recursive: true });
}

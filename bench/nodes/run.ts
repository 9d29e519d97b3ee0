// What a slow node costs: three healthy nodes, these with one that is ten times slower, and the same four taken in turns.
// `node --conditions=atoma-source bench/nodes/run.ts [--rounds 3] [--requests 300] [--loads 0.3,0.6,0.8]`; then how long it takes
// until the node of a client that has left is told to stop.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { seeded } from "../../packages/gateway/test/support/cluster-simulation.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    requests: { type: "string", default: "300" },
    loads: { type: "string", default: "0.3,0.6,0.8" },
    cancels: { type: "string", default: "200" },
  },
});
const STEPS = 20;
const MS_PER_STEP = 2.5;
/** What a healthy node makes in a second. */
const RATE = 1000 / (STEPS * MS_PER_STEP);

interface Server {
  readonly child: ChildProcess;
  readonly url: string;
  readonly key: string;
}

const children: ChildProcess[] = [];

async function start(script: string, ...args: string[]): Promise<Server> {
  const child = fork(join(import.meta.dirname, script), args, { execArgv: ["--conditions=atoma-source"] });
  children.push(child);
  const [ready] = await Promise.race([once(child, "message"), once(child, "exit")]);
  if (typeof ready !== "object" || ready === null) throw new Error(`${script} ended before it was ready`);
  return { child, key: "none", ...ready };
}

const agent = new Agent({ keepAlive: true });

/** A picture's milliseconds; rejects when the signal is aborted. */
function ask({ url, key }: Server, fields: object, signal?: AbortSignal): Promise<number> {
  const began = performance.now();
  const body = JSON.stringify({ model: "scripted", prompt: "p", size: "64x64", steps: STEPS, ...fields });
  const headers = {
    authorization: `Bearer ${key}`,
    "content-type": "application/json",
    accept: "application/cbor-seq",
    "content-length": Buffer.byteLength(body),
  };
  return new Promise((resolve, reject) => {
    const options = { method: "POST", agent, headers, ...(signal && { signal }) };
    const sent = request(`${url}/v1/images/generations`, options, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`status ${answer.statusCode}`));
      answer.once("error", reject);
      answer.resume().once("end", () => resolve(performance.now() - began));
    });
    sent.once("error", reject).end(body);
  });
}

/** Requests of 10 to 30 steps that come at random, as many a second as `load` of three healthy nodes; to the servers in turns. */
async function measure(servers: readonly Server[], load: number, random: () => number, into: number[]): Promise<void> {
  const answers: Promise<unknown>[] = [];
  for (let i = 0; i < Number(flags.requests); i++) {
    const server = servers[i % servers.length];
    const steps = Math.round(STEPS * (0.5 + random()));
    if (server) answers.push(ask(server, { steps }).then((ms) => into.push(ms)));
    await wait((-Math.log(1 - random()) * 1000) / (3 * RATE * load));
  }
  await Promise.all(answers);
}

const at = (times: readonly number[], share: number) =>
  times.toSorted((a, b) => a - b)[Math.floor(share * times.length)] ?? Number.NaN;
const figures = (times: readonly number[]) =>
  [0.5, 0.95].map((share) => at(times, share).toFixed(0).padStart(7)).join("");

/** From a client's leaving to the moment at which its node is told to stop, ms. */
async function measureCancels(gateway: Server, nodes: readonly Server[], fields: object): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < Number(flags.cancels); i++) {
    const prompt = `cancel ${i}`;
    const began = Promise.withResolvers<void>();
    const heard = Promise.withResolvers<number>();
    const listen = (message: { began?: string; left?: string; at?: number }) => {
      if (message.began === prompt) began.resolve();
      if (message.left === prompt && message.at !== undefined) heard.resolve(message.at);
    };
    for (const { child } of nodes) child.on("message", listen);
    const leaving = new AbortController();
    const answer = ask(gateway, { prompt, steps: 50, ...fields }, leaving.signal).catch(() => undefined);
    await began.promise;
    await wait(Math.random() * 20);
    const left = Date.now();
    leaving.abort();
    times.push((await heard.promise) - left);
    await answer;
    for (const { child } of nodes) child.off("message", listen);
  }
  return times;
}

/** In memory, where there is such a place: how long a disk takes to flush a ledger is not what is measured here. */
const folder = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "atoma-bench-"));
try {
  const healthy = await Promise.all([1, 2, 3].map(() => start("node.ts", String(MS_PER_STEP))));
  const slow = await start("node.ts", String(10 * MS_PER_STEP));
  const four = [...healthy, slow];
  const over = (nodes: readonly Server[], name: string) =>
    start("../gateway/server.ts", "gateway", nodes.map(({ url }) => url).join(","), join(folder, name));
  const three = await over(healthy, "three");
  const mixed = await over(four, "mixed");
  console.log(`load average ${loadavg()[0]?.toFixed(1)}; p50 and p95, ms`);
  let atSlow = 0;
  slow.child.on("message", (message: { began?: string }) => {
    if (message.began !== undefined) atSlow++;
  });
  console.log("load       three healthy   and a slow one, which got  p95 ratio         in turns");
  for (const load of flags.loads.split(",").filter(Boolean).map(Number)) {
    const [a, b, c]: [number[], number[], number[]] = [[], [], []];
    let share = 0;
    for (let round = 0; round < Number(flags.rounds); round++) {
      const random = () => seeded(round + 1);
      await measure([three], load, random(), a);
      atSlow = 0;
      await measure([mixed], load, random(), b);
      share += atSlow;
      await measure(four, load, random(), c);
    }
    const ratio = (at(b, 0.95) / at(a, 0.95)).toFixed(2);
    console.log(
      `${load}    ${figures(a)}   ${figures(b)}  ${String(share).padStart(4)} of ${b.length}    ${ratio.padStart(6)}   ${figures(c)}`,
    );
  }
  for (const [what, fields] of [
    ["while it runs", {}],
    ["while it streams", { stream: true, partial_images: 1 }],
  ] as const) {
    const times = await measureCancels(three, healthy, fields);
    console.log(
      `a client leaves ${what}: its node is told to stop after${figures(times)} ms, at the most ${Math.max(...times)} ms`,
    );
  }
  console.log(`load average ${loadavg()[0]?.toFixed(1)}`);
} finally {
  agent.destroy();
  for (const child of children.filter(({ connected }) => connected)) {
    child.disconnect();
    await once(child, "exit");
  }
  await rm(folder, { recursive: true });
}

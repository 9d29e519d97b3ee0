// What the gateway adds to a request, beside a bare proxy in the same run:
// `node --conditions=atoma-source bench/gateway/run.ts [--rounds 5] [--clients 1,16] [--profile FOLDER]`.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    clients: { type: "string", default: "1,16" },
    profile: { type: "string" },
  },
});
const CASES = [
  { name: "JSON, 2 KB", prompt: "2048", fields: { response_format: "b64_json" }, requests: 400 },
  { name: "SSE, 2 KB", prompt: "2048", fields: { stream: true }, requests: 400 },
  { name: "url, 2 KB", prompt: "2048", fields: { response_format: "url" }, requests: 400 },
  { name: "JSON, 1.4 MB", prompt: "1400000", fields: { response_format: "b64_json" }, requests: 100 },
  { name: "SSE, 1.4 MB", prompt: "1400000", fields: { stream: true }, requests: 100 },
] as const;

interface Server {
  readonly child: ChildProcess;
  readonly url: string;
  readonly key?: string;
}

async function start(role: string, ...args: string[]): Promise<Server> {
  const profile =
    flags.profile !== undefined && role === "gateway" ? ["--cpu-prof", `--cpu-prof-dir=${flags.profile}`] : [];
  const execArgv = ["--conditions=atoma-source", ...profile];
  const child = fork(join(import.meta.dirname, "server.ts"), [role, ...args], { execArgv });
  const [ready] = await once(child, "message");
  return { child, ...ready };
}

async function cpuMs({ child }: Server): Promise<number> {
  child.send("cpu");
  const [{ cpu }] = await once(child, "message");
  return (cpu.user + cpu.system) / 1000;
}

const agent = new Agent({ keepAlive: true });

/** Milliseconds from the request to the last byte of its answer. */
function ask({ url, key }: Server, body: string): Promise<number> {
  const began = performance.now();
  const headers = {
    authorization: `Bearer ${key ?? "none"}`,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  };
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/v1/images/generations`, { method: "POST", agent, headers }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`status ${answer.statusCode}`));
      answer.resume().once("end", () => resolve(performance.now() - began));
    });
    sent.once("error", reject).end(body);
  });
}

interface Measured {
  readonly times: number[];
  cpu: number;
}

async function measure(server: Server, body: string, requests: number, clients: number, into: Measured): Promise<void> {
  const before = await cpuMs(server);
  let left = requests;
  const client = async () => {
    while (left-- > 0) into.times.push(await ask(server, body));
  };
  await Promise.all(Array.from({ length: clients }, client));
  into.cpu += (await cpuMs(server)) - before;
}

function summary({ times, cpu }: Measured): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(share * sorted.length)] ?? Number.NaN).toFixed(2).padStart(8);
  return `${at(0.5)} ${at(0.99)} ${((1000 * cpu) / times.length).toFixed(0).padStart(8)}`;
}

const folder = await mkdtemp(join(tmpdir(), "atoma-bench-"));
const node = await start("node");
const servers = { floor: await start("floor", node.url), gateway: await start("gateway", node.url, folder) };
try {
  console.log(`load ${loadavg()[0]?.toFixed(1)}; p50 ms, p99 ms, CPU µs a request: bare proxy | gateway`);
  for (const clients of flags.clients.split(",").map(Number)) {
    for (const { name, prompt, fields, requests } of CASES) {
      const body = JSON.stringify({ model: "scripted", prompt, ...fields });
      const measured = { floor: { times: [], cpu: 0 }, gateway: { times: [], cpu: 0 } } as Record<
        keyof typeof servers,
        Measured
      >;
      for (const server of Object.values(servers)) {
        await measure(server, body, requests / 4, clients, { times: [], cpu: 0 }); // warm
      }
      for (let round = 0; round < Number(flags.rounds); round++) {
        for (const which of ["floor", "gateway"] as const) {
          await measure(servers[which], body, requests, clients, measured[which]);
        }
      }
      console.log(
        `${name.padEnd(13)} ×${String(clients).padEnd(3)}${summary(measured.floor)} | ${summary(measured.gateway)}`,
      );
    }
  }
} finally {
  agent.destroy();
  for (const { child } of [...Object.values(servers), node]) {
    child.disconnect();
    await once(child, "exit");
  }
  await rm(folder, { recursive: true });
}

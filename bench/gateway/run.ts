// What the gateway adds to a request, beside a bare proxy in the same run:
// `node --conditions=atoma-source bench/gateway/run.ts [--rounds 5] [--clients 1,16] [--profile FOLDER]`.
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { agent, ask, type Server, start, stop, tell } from "./processes.ts";

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

async function cpuMs(server: Server): Promise<number> {
  const { cpu } = await tell(server, "cpu");
  return (cpu.user + cpu.system) / 1000;
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
const profile = flags.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${flags.profile}`];
const servers = {
  floor: await start("floor", [node.url]),
  gateway: await start("gateway", [node.url, folder], profile),
};
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
  for (const server of [...Object.values(servers), node]) await stop(server);
  await rm(folder, { recursive: true });
}

// Whether a whole gateway's memory stays flat: `node bench/gateway/memory-http.ts [--requests 300000] [--every 10000] [--clients 32]`.
// A gateway over SQLite and a node that answers at once with pictures of 2 KB, each a process of its own. A third of the answers is JSON,
// a third a stream, a third URLs; one request in ten has an idempotency key and is asked twice. Prints the gateway's memory after every
// so many requests, the heap collected before.
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { agent, ask, start, stop, tell } from "./processes.ts";

const { values: flags } = parseArgs({
  options: {
    requests: { type: "string", default: "300000" },
    every: { type: "string", default: "10000" },
    clients: { type: "string", default: "32" },
  },
});
const REQUESTS = Number(flags.requests);
const EVERY = Number(flags.every);
const BODIES = [{ response_format: "b64_json" }, { stream: true }, { response_format: "url" }].map((fields) =>
  JSON.stringify({ model: "scripted", prompt: "2048x1", ...fields }),
);

const folder = await mkdtemp(join(tmpdir(), "atoma-memory-"));
const node = await start("node");
const gateway = await start("gateway", [node.url, folder], { nodeFlags: ["--expose-gc"] });
let asked = 0;
let done = 0;
let last = performance.now();
const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);

async function report(): Promise<void> {
  const { memory, resident } = await tell(gateway, "memory");
  const now = performance.now();
  const speed = Math.round((1_000 * EVERY) / (now - last));
  last = now;
  const cells = [done, memory.heapUsed, memory.external, memory.rss].map((cell, i) => (i === 0 ? cell : mib(cell)));
  console.log(`| ${[...cells, mib(resident), speed, loadavg()[0]?.toFixed(1)].join(" | ")} |`);
}

async function client(): Promise<void> {
  while (asked < REQUESTS) {
    const number = asked++;
    const body = BODIES[number % BODIES.length] ?? "";
    const headers: Record<string, string> = number % 10 === 0 ? { "idempotency-key": `order-${number}` } : {};
    for (let times = number % 10 === 0 ? 2 : 1; times > 0; times--) {
      await ask(gateway, body, headers);
      done++;
      if (done % EVERY === 0) await report();
    }
  }
}

console.log(
  "| requests | heap, MiB | external, MiB | resident, MiB | most resident, MiB | requests/s | load |\n|---|---|---|---|---|---|---|",
);
try {
  await report();
  await Promise.all(Array.from({ length: Number(flags.clients) }, client));
} finally {
  agent.destroy();
  await stop(gateway);
  await stop(node);
  await rm(folder, { recursive: true });
}

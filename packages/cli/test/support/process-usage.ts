import assert from "node:assert/strict";
import { readdir, readFile, readlink } from "node:fs/promises";
import type { Process } from "./cluster.ts";

/** What a process has in hand at a moment. */
export interface Usage {
  /** Sockets of which an end has one of these ports, those that listen included. */
  readonly connections: number;
  /** All other open files and sockets. */
  readonly others: number;
  /** What lives after a garbage collection, buffers included, in bytes. */
  readonly heap: number;
  /** Resident, in bytes. */
  readonly rss: number;
}

/** Inodes of this network's TCP sockets of which an end has one of the ports. */
async function socketsOf(ports: readonly number[]): Promise<Set<string>> {
  const [, ...lines] = (await readFile("/proc/net/tcp", "utf8")).trim().split("\n");
  const wanted = new Set(ports.map((port) => port.toString(16).toUpperCase().padStart(4, "0")));
  const fields = lines.map((line) => line.trim().split(/\s+/));
  const isWanted = (address = "") => wanted.has(address.split(":")[1] ?? "");
  return new Set(fields.filter(([, local, remote]) => isWanted(local) || isWanted(remote)).map((of) => of[9] ?? ""));
}

async function openFiles(pid: number): Promise<string[]> {
  const names = await readdir(`/proc/${pid}/fd`);
  // One of them is gone again: the listing itself.
  const links = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => "")));
  return links.filter((link) => link !== "");
}

/** Collects garbage in a process that was started with an inspector, and gives what is left. */
async function liveBytes(inspector: string): Promise<number> {
  const socket = new WebSocket(inspector);
  const answers = new Map<number, PromiseWithResolvers<unknown>>();
  socket.onmessage = ({ data }) => {
    const { id, result } = JSON.parse(String(data));
    answers.get(id)?.resolve(result);
  };
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  let count = 0;
  const ask = (method: string, params = {}) => {
    const answer = Promise.withResolvers<unknown>();
    answers.set(++count, answer);
    socket.send(JSON.stringify({ id: count, method, params }));
    return answer.promise;
  };
  for (let i = 0; i < 2; i++) await ask("HeapProfiler.collectGarbage");
  const expression = "(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())";
  const { result } = (await ask("Runtime.evaluate", { expression })) as { result: { value: number } };
  socket.close();
  return result.value;
}

export async function usageOf({ child, inspector }: Process, ports: readonly number[]): Promise<Usage> {
  const pid = child.pid ?? assert.fail("it has ended");
  const heap = await liveBytes(inspector());
  const [links, inodes, status] = await Promise.all([
    openFiles(pid),
    socketsOf(ports),
    readFile(`/proc/${pid}/status`, "utf8"),
  ]);
  const toPorts = links.filter((link) => inodes.has(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? ""));
  const [, kib] = /^VmRSS:\s+(\d+)/m.exec(status) ?? [];
  return { connections: toPorts.length, others: links.length - toPorts.length, heap, rss: Number(kib) * 1024 };
}

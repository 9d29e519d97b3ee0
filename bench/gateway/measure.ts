// Load on a server and what it costs there.
import { readFileSync } from "node:fs";
import { ask, type Server } from "./processes.ts";

/** Clock ticks of /proc a second (`getconf CLK_TCK`), 100 on every Linux in use. */
const TICKS = 100;

/** Time of the processor that a process has had, all its threads, in µs, by the operating system. */
export function cpuUs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name before it may have blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / TICKS;
}

/** The most memory that was resident, in bytes. */
export function peakBytes(pid: number): number {
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN);
}

export interface Load {
  readonly times: readonly number[];
  readonly cpuUs: number;
  readonly seconds: number;
}

/** So many clients, each of which asks again when it has its answer. */
export async function closedLoop(server: Server, body: string, requests: number, clients: number): Promise<Load> {
  const times: number[] = [];
  const before = cpuUs(server.pid);
  const began = performance.now();
  let left = requests;
  const client = async () => {
    while (left-- > 0) times.push(await ask(server, body));
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { times, cpuUs: cpuUs(server.pid) - before, seconds: (performance.now() - began) / 1000 };
}

/** Requests at a rate, whether the ones before were answered or not; their times count from when they should have been sent. */
export async function openLoop(server: Server, body: string, requests: number, perSecond: number): Promise<Load> {
  const before = cpuUs(server.pid);
  const began = performance.now();
  const asked: Promise<number>[] = [];
  for (let i = 0; i < requests; i++) {
    const due = began + (1000 * i) / perSecond;
    const early = due - performance.now();
    if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
    asked.push(ask(server, body).then(() => performance.now() - due));
  }
  const times = await Promise.all(asked);
  return { times, cpuUs: cpuUs(server.pid) - before, seconds: (performance.now() - began) / 1000 };
}

export function quantile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export const median = (values: readonly number[]) => quantile(values, 0.5);

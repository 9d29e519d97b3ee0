import { readdir, readFile } from "node:fs/promises";

/** Milliseconds in a tick of /proc's clocks: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/** The CPU time that a process and its living children have used, in ms (proc(5), stat). Linux only. */
export async function processCpuMs(pid: number): Promise<number> {
  let total = 0;
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, "utf8").catch(() => "");
    // The name in parentheses may hold spaces; after it come state, parent, … and the 12th and 13th are the times.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (Number(entry) !== pid && Number(fields[1]) !== pid) continue;
    total += (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }
  return total;
}

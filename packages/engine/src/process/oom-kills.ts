import { readFileSync } from "node:fs";

/** Where Linux counts them: for a container's own memory limit, or for the whole machine. */
const COUNTERS = ["/sys/fs/cgroup/memory.events", "/proc/vmstat"];

/** How many processes the system has killed for want of memory so far; 0 where it does not say. */
export function oomKills(): number {
  for (const file of COUNTERS) {
    try {
      const count = /^oom_kill (\d+)$/m.exec(readFileSync(file, "utf8"))?.[1];
      if (count !== undefined) return Number(count);
    } catch {
      // Another kind of system, or no such limit.
    }
  }
  return 0;
}

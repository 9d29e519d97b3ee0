import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "./config.ts";
import { dataFolder } from "./data-folder.ts";
import { UsageError } from "./usage-error.ts";

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Keeps a second `atoma up` off the data folder, whose holds it would void. Throws UsageError when one is running. */
export function lockDataFolder(config: Config): Disposable {
  const path = join(dataFolder(config), "up.pid");
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" });
      return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      const pid = Number(readFileSync(path, "utf8"));
      if (attempt > 0 || (pid !== process.pid && isRunning(pid))) {
        throw new UsageError(
          `another atoma (process ${pid}) uses the data folder ${dataFolder(config)}; choose one with --data`,
        );
      }
      // Left behind by a process that was killed.
      rmSync(path, { force: true });
    }
  }
}

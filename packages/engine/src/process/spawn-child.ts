import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { ChildOptions, Order, Report } from "./messages.ts";

const PROGRAM = join(import.meta.dirname, "child.ts");
const STDERR = 2;

export interface SpawnedChild {
  readonly pid: number | undefined;
  send(order: Order): void;
  kill(): void;
  /** Closes the channel, whereupon the child ends by itself; kills it when it has not within `graceMs`. */
  end(graceMs: number): void;
}

export interface ChildListeners {
  readonly onReport: (report: Report) => void;
  /** Called once; `reason` reads like "signal SIGKILL". */
  readonly onExit: (reason: string) => void;
}

/** Our own settings may hold secrets, which a model process has no use for. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("ATOMA_")));
}

/** Starts a model process. Its output goes to our stderr. */
export function spawnChild(options: ChildOptions, listeners: ChildListeners): SpawnedChild {
  const child: ChildProcess = fork(PROGRAM, [JSON.stringify(options)], {
    serialization: "advanced",
    execArgv: [],
    env: environment(),
    stdio: ["ignore", STDERR, STDERR, "ipc"],
  });
  let exited = false;
  const exit = (reason: string) => {
    if (exited) return;
    exited = true;
    listeners.onExit(reason);
  };
  // Both ends of the channel are of this package, so a report has a report's shape.
  child.on("message", (message) => listeners.onReport(message as Report));
  child.on("exit", (code, signal) => exit(signal ? `signal ${signal}` : `exit code ${code}`));
  child.on("error", (error) => {
    if (child.pid === undefined) exit(error.message);
    else child.kill("SIGKILL");
  });
  const kill = () => void child.kill("SIGKILL");
  return {
    pid: child.pid,
    // A failed send means that the child is gone or going: its exit tells the rest.
    send: (order) => void child.send(order, () => {}),
    kill,
    end: (graceMs) => {
      if (exited) return;
      if (child.connected) child.disconnect();
      const timer = setTimeout(kill, graceMs);
      child.once("exit", () => clearTimeout(timer));
    },
  };
}

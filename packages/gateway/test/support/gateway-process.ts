// A gateway in a process of its own: what `atoma gateway` is, and besides it ends without warning when it is told where.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Jobs, type Ledger, ownLedger } from "@atoma/ledger";
import pino from "pino";
import { startGateway } from "../../src/index.ts";

const compiled = join(tmpdir(), `atoma-compiled-${process.pid}`);
process.once("exit", () => rmSync(compiled, { recursive: true, force: true }));

interface Orders {
  readonly ledgerUrl: string;
  readonly nodeUrl: string;
  readonly filesDir: string;
  readonly adminKey?: string;
}

/** Where a gateway can be told to end: before or after a call of its ledger. `jobs.` are those of asynchronous generations. */
export type Place = `${"before" | "after"} ${"findKey" | "reserve" | "settle" | `jobs.${keyof Jobs}`}`;

export interface GatewayProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** The next time it comes to this place, it ends as with `kill -9`. */
  dieAt(place: Place): Promise<void>;
  /** Resolves when the process has ended. */
  readonly ended: Promise<unknown>;
  kill(): Promise<void>;
}

/** Starts one. It ends with this process, or by `kill`. */
export async function startGatewayProcess(orders: Orders): Promise<GatewayProcess> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(orders)], {
    execArgv: ["--conditions=atoma-source"],
    // Starting it again and again costs a third with what the first one has compiled.
    env: { ...process.env, NODE_COMPILE_CACHE: compiled },
  });
  const ended = once(child, "exit");
  const first: unknown[] = await Promise.race([once(child, "message"), ended]);
  const [url] = first;
  if (typeof url !== "string") throw new Error(`the gateway ended with ${String(url)} before it was ready`);
  return {
    url,
    child,
    ended,
    async dieAt(place) {
      const armed = once(child, "message");
      child.send(place);
      await armed;
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** The object, but for the calls at which this process ends when `place()` names them. */
function mortal<T extends object>(target: T, prefix: string, place: () => string | undefined): T {
  const dieIf = (name: string) => {
    if (place() === name) process.kill(process.pid, "SIGKILL");
  };
  const entries = Object.entries(target).map(([name, method]) => {
    if (typeof method !== "function") return [name, method];
    const call = async (...args: unknown[]) => {
      dieIf(`before ${prefix}${name}`);
      const result = await method.apply(target, args);
      // A claim of nothing is no claim.
      if (!Array.isArray(result) || result.length > 0) dieIf(`after ${prefix}${name}`);
      return result;
    };
    return [name, name === "touchKey" ? method : call];
  });
  return Object.fromEntries(entries) as T; // the same names, the same methods
}

async function main(orders: Orders): Promise<void> {
  let place: string | undefined;
  process.on("message", (message) => {
    place = String(message);
    process.send?.("armed");
  });
  process.on("disconnect", () => process.exit());
  const ledger = await ownLedger(orders.ledgerUrl);
  const watched: Ledger = mortal({ ...ledger, jobs: mortal(ledger.jobs, "jobs.", () => place) }, "", () => place);
  const gateway = await startGateway({
    host: "127.0.0.1",
    port: 0,
    ledger: watched,
    log: pino({ level: "silent" }),
    nodes: [{ name: "n1", url: orders.nodeUrl }],
    filesDir: orders.filesDir,
    adminKey: orders.adminKey,
  });
  process.send?.(gateway.url);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(JSON.parse(process.argv[2] ?? ""));

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../../../", import.meta.url));

export interface Up extends AsyncDisposable {
  readonly url: string;
  readonly apiKey: string;
  readonly adminKey: string;
  /** Signs a browser in once. */
  readonly signInLink: string;
  readonly dataDir: string;
  readonly pid: number;
  readonly node: { readonly url: string };
  readonly child: ChildProcess;
  /** What it wrote to stderr so far. */
  readonly errors: () => string;
  /** Sends SIGTERM and gives the exit status. */
  stop(): Promise<number | null>;
}

export async function newDataDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), "atoma-up-"));
}

/** Runs what `npm start -- --json` runs and waits for its line. */
export async function startUp(dataDir: string, ...flags: string[]): Promise<Up> {
  const args = [`${root}scripts/start.mjs`, "--json", "--port", "0", "--data", dataDir, ...flags];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const lines = createInterface({ input: child.stdout });
  const line = await Promise.race([once(lines, "line"), once(child, "exit")]).then(([first]) => String(first));
  assert.match(line, /^\{/, errors);
  const exited = once(child, "exit");
  return {
    ...JSON.parse(line),
    child,
    errors: () => errors,
    async stop() {
      child.kill("SIGTERM");
      const [code] = await exited;
      return code;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGTERM");
        await exited;
      }
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Runs the `atoma` command to its end. */
export async function atoma(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ["--conditions=atoma-source", `${root}packages/cli/src/main.ts`, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}

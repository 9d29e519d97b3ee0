import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type AccountId, type Ledger, openLedger } from "@atoma/ledger";
import { startPostgres } from "@atoma/ledger/test-support";
import type { NodeStats } from "./faulty-node.ts";
import { root } from "./up.ts";

export interface Process {
  readonly child: ChildProcess;
  /** What followed "ready" or "… ready at" in its first line. */
  readonly where: string;
  /** Ends it with a signal; gives its exit status. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts a process and waits for its first line. */
async function start(args: readonly string[], env: Record<string, string> = {}): Promise<Process> {
  const child = spawn(process.execPath, ["--conditions=atoma-source", ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors = (errors + chunk).slice(-10_000);
  });
  const exited = once(child, "exit");
  const line = await Promise.race([once(createInterface({ input: child.stdout }), "line"), exited]);
  const [, where] = /ready (?:at )?(\S+)$/.exec(String(line[0])) ?? [];
  assert.ok(where, `${args.join(" ")}: ${errors}`);
  return {
    child,
    where,
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}

export const startAtoma = (args: readonly string[], env: Record<string, string> = {}): Promise<Process> =>
  start([`${root}packages/cli/src/main.ts`, ...args], env);

export const startFaulty = (env: Record<string, string>): Promise<Process> =>
  start([`${root}packages/cli/test/support/faulty-node.ts`], env);

export interface Cluster extends AsyncDisposable {
  readonly ledger: Ledger;
  readonly accountId: AccountId;
  readonly key: string;
  readonly databaseUrl: string;
  readonly gateways: Process[];
  /** Processes to end with the cluster. */
  readonly others: Set<Process>;
  /** Starts a gateway with these lines of TOML. */
  startGateway(toml: string): Promise<Process>;
  stats(node: Process): Promise<NodeStats>;
}

/** A PostgreSQL with an account and a key, and no gateway yet. */
export async function startCluster(): Promise<Cluster> {
  const postgres = await startPostgres();
  const databaseUrl = postgres.url;
  const ledger = await openLedger(databaseUrl);
  const folder = await mkdtemp(join(tmpdir(), "atoma-cluster-"));
  const account = await ledger.createAccount({ name: "team" });
  await ledger.grant(account.id, 1_000_000_000_000, { reference: "start" });
  const { key } = await ledger.createKey({ accountId: account.id, name: "k" });
  const gateways: Process[] = [];
  const others = new Set<Process>();
  return {
    ledger,
    accountId: account.id,
    key,
    databaseUrl,
    gateways,
    others,
    async startGateway(toml) {
      const file = join(folder, `gateway-${gateways.length}.toml`);
      const data = join(folder, `data-${gateways.length}`);
      await writeFile(
        file,
        `port = 0\nlog_level = "error"\ndata = "${data}"\ndatabase_url = "${databaseUrl}"\n${toml}`,
      );
      const gateway = await startAtoma(["gateway", "--config", file]);
      gateways.push(gateway);
      return gateway;
    },
    stats: async ({ where }) => (await (await fetch(`http://127.0.0.1:${where}/stats`)).json()) as NodeStats,
    async [Symbol.asyncDispose]() {
      await Promise.all([...gateways, ...others].map((process) => process.end("SIGKILL")));
      await ledger.close();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves once the condition holds; rejects after `timeoutMs`. */
export async function eventually(condition: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const until = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > until) assert.fail(`never: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Does `count` things, `width` of them at a time. */
export async function inParallel<T>(count: number, width: number, work: (i: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < count; i = next++) results[i] = await work(i);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

export interface Outcome {
  readonly status: number;
  readonly code: string | null;
  readonly bytes: Buffer | undefined;
  /** When to come back, as the answer says; otherwise a second. */
  readonly retryAfterMs: number;
}

/** One picture of 256 × 256, or why not. */
export async function draw(url: string, key: string, fields: object = {}, signal?: AbortSignal): Promise<Outcome> {
  const response = await fetch(`${url}/v1/images/generations`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: "atoma-tiny",
      prompt: "a red circle",
      size: "256x256",
      steps: 1,
      response_format: "b64_json",
      ...fields,
    }),
    ...(signal && { signal }),
  });
  const body = (await response.json()) as {
    readonly data?: readonly { readonly b64_json: string }[];
    readonly error?: { readonly code: string | null };
  };
  const picture = body.data?.[0]?.b64_json;
  return {
    status: response.status,
    code: body.error?.code ?? null,
    bytes: picture === undefined ? undefined : Buffer.from(picture, "base64"),
    retryAfterMs: Number(response.headers.get("retry-after-ms") ?? 1000),
  };
}

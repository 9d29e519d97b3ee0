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
  /** Where it can be looked into. */
  inspector(): string;
  /** Ends it with a signal; gives its exit status. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts a process and waits for its first line. */
async function start(args: readonly string[], env: Record<string, string> = {}): Promise<Process> {
  const child = spawn(process.execPath, ["--conditions=atoma-source", "--inspect=127.0.0.1:0", ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  let inspector: string | undefined;
  child.stderr.on("data", (chunk) => {
    errors = (errors + chunk).slice(-10_000);
    inspector ??= /ws:\/\/\S+/.exec(errors)?.[0];
  });
  const exited = once(child, "exit");
  const line = await Promise.race([once(createInterface({ input: child.stdout }), "line"), exited]);
  const [, where] = /ready (?:at )?(\S+)$/.exec(String(line[0])) ?? [];
  assert.ok(where, `${args.join(" ")}: ${errors}`);
  return {
    child,
    where,
    inspector: () => inspector ?? assert.fail("it has no inspector"),
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
  /** Starts a gateway with these lines of TOML, on any free port. */
  startGateway(toml: string): Promise<Process>;
  /** Ends the i-th gateway with SIGTERM and starts it anew on its port. */
  restartGateway(i: number): Promise<void>;
  endGateways(): Promise<void>;
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
  const configs: string[] = [];
  const others = new Set<Process>();
  return {
    ledger,
    accountId: account.id,
    key,
    databaseUrl,
    gateways,
    others,
    async startGateway(toml) {
      const i = gateways.length;
      const head = `log_level = "error"\ndata = "${join(folder, `data-${i}`)}"\ndatabase_url = "${databaseUrl}"\n`;
      configs[i] = join(folder, `gateway-${i}.toml`);
      await writeFile(configs[i], head + toml);
      const gateway = await startAtoma(["gateway", "--config", configs[i], "--port", "0"]);
      gateways.push(gateway);
      return gateway;
    },
    async restartGateway(i) {
      const [old, config] = [gateways[i], configs[i]];
      assert.ok(old && config !== undefined);
      assert.equal(await old.end("SIGTERM"), 0);
      gateways[i] = await startAtoma(["gateway", "--config", config, "--port", new URL(old.where).port]);
    },
    async endGateways() {
      await Promise.all(gateways.splice(0).map((gateway) => gateway.end("SIGTERM")));
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
}

interface Body {
  readonly data?: readonly { readonly b64_json: string }[];
  readonly error?: { readonly code: string | null };
}

/** Of a stream, what its last event says. */
async function bodyOf(response: Response): Promise<Body> {
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return (await response.json()) as Body;
  const last = (await response.text()).trimEnd().split("\n").at(-1) ?? "";
  const event = JSON.parse(last.replace(/^data: /, ""));
  return event.error ? event : { data: [event] };
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
  const { data, error } = await bodyOf(response);
  const picture = data?.[0]?.b64_json;
  return {
    status: response.status,
    code: error?.code ?? null,
    bytes: picture === undefined ? undefined : Buffer.from(picture, "base64"),
  };
}

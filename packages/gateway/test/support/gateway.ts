import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AccountId, type Ledger, openLedger } from "@atoma/ledger";
import pino from "pino";
import { type Gateway, type GatewayOptions, startGateway } from "../../src/index.ts";
import { checkExchange } from "./openapi.ts";
import { type ScriptedNode, startScriptedNode } from "./scripted-node.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: bodies are asserted field by field
  readonly json: any;
}

export interface World extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly ledger: Ledger;
  readonly node: ScriptedNode;
  readonly accountId: AccountId;
  readonly key: string;
  /** Everything the gateway logged. */
  readonly log: string[];
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** Posts to the generations endpoint, with the key; model and prompt are filled in where absent. */
  generate(fields?: Record<string, unknown>, headers?: Record<string, string>): Promise<Answer>;
  /** The same, of a client that leaves at the signal: the answer as it begins. */
  ask(fields: Record<string, unknown>, signal: AbortSignal, headers?: Record<string, string>): Promise<Response>;
  /** Posts a form to the edits endpoint, with the key. */
  edit(body: FormData): Promise<Answer>;
  /** Posts these bytes as they are. */
  post(body: string | Uint8Array, headers?: Record<string, string>): Promise<Answer>;
  available(): Promise<number>;
  pending(): Promise<number>;
}

export const GRANT = 1_000_000_000;
const PROMPT = "a secret otter";
const seenRequestIds = new Set<string>();

/** What holds of every answer: a fresh request id, and of errors the envelope's four keys and nothing private. */
function checkAnswer(answer: Answer): void {
  const id = answer.headers.get("x-request-id") ?? "";
  assert.match(id, /^req_[0-9a-f]{32}$/);
  assert.ok(!seenRequestIds.has(id), "request ids are unique");
  seenRequestIds.add(id);
  // Of all failures only health's has another form.
  if (answer.status < 400 || answer.json?.status === "unavailable") return;
  assert.deepEqual(Object.keys(answer.json), ["error"]);
  assert.deepEqual(Object.keys(answer.json.error), ["message", "type", "param", "code"]);
  assert.doesNotMatch(answer.text, /127\.0\.0\.1:|\bat .*\.ts:|sk-atoma-[0-9a-z]{12}/);
}

export interface WorldOptions extends Partial<GatewayOptions> {
  readonly grant?: number;
  /** A SQLite file of its own where it is not said. */
  readonly ledgerUrl?: string;
  /** The ledger's clock; the real one where it is not said. */
  readonly ledgerNow?: () => number;
  /** What the gateway gets instead of the ledger. */
  readonly wrapLedger?: (ledger: Ledger) => Ledger;
}

export async function startWorld({
  grant = GRANT,
  ledgerUrl,
  ledgerNow,
  wrapLedger,
  ...options
}: WorldOptions = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "atoma-gateway-"));
  const log: string[] = [];
  const node = await startScriptedNode();
  const now = ledgerNow ?? options.clock?.now;
  const ledger = await openLedger(ledgerUrl ?? `sqlite:${join(folder, "ledger.db")}`, now && { now });
  const account = await ledger.createAccount({ name: "a" });
  await ledger.grant(account.id, grant, { reference: "start" });
  const { key } = await ledger.createKey({ accountId: account.id, name: "k" });
  const { nodes = [{ name: "n1", url: node.url, token: "node-secret" }] } = options;
  const gateway = await startGateway({
    host: "127.0.0.1",
    port: 0,
    ledger: wrapLedger?.(ledger) ?? ledger,
    log: pino({ level: "debug" }, { write: (line: string) => void log.push(line) }),
    filesDir: join(folder, "files"),
    ...options,
    nodes,
  });
  const addresses = [node.url, ...nodes.map(({ url }) => url)].map((url) => new URL(url).host);
  const secrets = [key, PROMPT, ...nodes.flatMap(({ token, tls }) => [token ?? [], tls?.key ?? []].flat())];

  async function call(path: string, init: RequestInit): Promise<Answer> {
    const response = await fetch(gateway.url + path, init);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const text = Buffer.from(bytes).toString("utf8");
    const isJson = response.headers.get("content-type")?.includes("json") && text !== "";
    const { status, headers } = response;
    const answer: Answer = { status, headers, bytes, text, json: isJson ? JSON.parse(text) : undefined };
    checkAnswer(answer);
    for (const address of addresses) assert.ok(!text.includes(address), `the address of a node: ${text.slice(0, 500)}`);
    const contentType = headers.get("content-type");
    checkExchange({ method: init.method ?? "GET", path, status, contentType, text });
    return answer;
  }

  const authorization = `Bearer ${key}`;
  const world: World = {
    gateway,
    ledger,
    node,
    accountId: account.id,
    key,
    log,
    get: (path, headers = {}) => call(path, { headers: { authorization, ...headers } }),
    generate: (fields = {}, headers = {}) =>
      world.post(JSON.stringify({ model: "scripted", prompt: PROMPT, ...fields }), headers),
    ask: (fields, signal, headers = {}) =>
      fetch(`${gateway.url}/v1/images/generations`, {
        method: "POST",
        headers: { authorization, "content-type": "application/json", ...headers },
        body: JSON.stringify({ model: "scripted", prompt: PROMPT, ...fields }),
        signal,
      }),
    edit: (body) => call("/v1/images/edits", { method: "POST", body, headers: { authorization } }),
    post: (body, headers = {}) =>
      call("/v1/images/generations", {
        method: "POST",
        body: typeof body === "string" ? body : Buffer.from(body),
        headers: { authorization, "content-type": "application/json", ...headers },
      }),
    available: async () => (await ledger.getAccount(account.id))?.available ?? Number.NaN,
    pending: async () => (await ledger.getAccount(account.id))?.pending ?? Number.NaN,
    async [Symbol.asyncDispose]() {
      await gateway.close(0);
      await ledger.close();
      await node[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
      // Shorter ones could be part of anything.
      const leaked = secrets.filter((secret) => secret.length >= 8 && log.some((line) => line.includes(secret)));
      assert.deepEqual(leaked, [], "in the log");
    },
  };
  return world;
}

/** Resolves once the condition holds; rejects after half a minute. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const until = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > until) assert.fail(`never: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

import type { Ledger, NodeEntry } from "@atoma/ledger";
import type { Config } from "../config.ts";
import { readCredentials } from "../credentials.ts";
import { withLedger } from "../data-folder.ts";
import { printJson } from "../json-option.ts";
import { table } from "../table.ts";

const TIMEOUT_MS = 3_000;

/** A node as the list shows it. */
interface Listed {
  readonly name: string;
  readonly url: string | null;
  readonly dialect: string;
  /** `unknown` where no gateway was asked. */
  readonly state: "ready" | "away" | "draining" | "leaving" | "expected" | "gone" | "unknown";
  readonly in_flight: number | null;
  readonly models: readonly string[] | null;
  readonly source: "configuration" | "ledger" | "joins";
}

/** The fields of the admin API's nodes that the list is made of. */
interface Wire {
  readonly name: string;
  readonly url: string | null;
  readonly dialect: string | null;
  readonly source: "configuration" | "ledger";
  readonly joins: boolean;
  readonly draining: boolean;
  readonly leaving: boolean;
  readonly ready: boolean;
  readonly in_flight: number;
  readonly models: readonly string[];
}

function fromGateway(node: Wire): Listed {
  const here = node.ready ? "ready" : "away";
  const state = node.url === null ? "expected" : node.draining ? "draining" : node.leaving ? "leaving" : here;
  const { name, url, dialect, in_flight, models, joins, source } = node;
  return { name, url, dialect: dialect ?? "-", state, in_flight, models, source: joins ? "joins" : source };
}

/** What the gateway says of its nodes; the reason where it says nothing. */
async function askGateway(url: string, adminKey: string | undefined): Promise<readonly Listed[] | string> {
  if (adminKey === undefined)
    return "there is no admin key: set ATOMA_ADMIN_KEY, or --data to the gateway's data folder";
  try {
    const response = await fetch(new URL("/admin/v1/nodes", url), {
      headers: { authorization: `Bearer ${adminKey}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: "error",
    });
    if (!response.ok) {
      await response.body?.cancel();
      return `the gateway at ${url} answers ${response.status}`;
    }
    // The admin API's own schema.
    const { data } = (await response.json()) as { data: readonly Wire[] };
    return data.map(fromGateway);
  } catch {
    return `no gateway answers at ${url}; name it with --url`;
  }
}

function stateOf({ url, draining, leaving, expiresAt }: NodeEntry): Listed["state"] {
  if (url === null) return draining ? "draining" : "expected";
  if (expiresAt !== null && expiresAt <= Date.now()) return "gone";
  return draining ? "draining" : leaving ? "leaving" : "unknown";
}

/** What the configuration and the ledger say. Whether a node is there, only a gateway knows. */
async function fromLedger(ledger: Ledger, config: Config): Promise<Listed[]> {
  const entries = await ledger.nodes.list();
  const marked = new Set(entries.filter(({ draining }) => draining).map(({ name }) => name));
  const configured = config.nodes.map(
    ({ name, url, dialect = "atoma" }): Listed => ({
      name,
      url,
      dialect,
      state: marked.has(name) ? "draining" : "unknown",
      in_flight: null,
      models: null,
      source: "configuration",
    }),
  );
  const others = entries.filter((entry) => !config.nodes.some(({ name }) => name === entry.name));
  const shared = others.map(
    (entry): Listed => ({
      name: entry.name,
      url: entry.url && new URL(entry.url).origin,
      dialect: entry.dialect,
      state: stateOf(entry),
      in_flight: null,
      models: null,
      source: entry.joins ? "joins" : "ledger",
    }),
  );
  return [...configured, ...shared];
}

/**
 * `atoma nodes list`: how the nodes of the gateway at `url` are. Without an answer of it, what the configuration and the ledger
 * say, and the reason on the standard error.
 */
export async function listNodes(config: Config, url: string, json: boolean): Promise<void> {
  const answer = await askGateway(url, config.admin_key ?? readCredentials(config)?.adminKey);
  if (typeof answer === "string") process.stderr.write(`${answer}\nnot how the nodes are, but what is configured:\n`);
  const nodes = typeof answer === "string" ? await withLedger(config, (ledger) => fromLedger(ledger, config)) : answer;
  if (json) return printJson(nodes);
  const rows = nodes.map(({ name, url: at, dialect, state, in_flight, models, source }) => [
    name,
    at ?? "-",
    dialect,
    state,
    in_flight ?? "-",
    models?.join(",") || "-",
    source,
  ]);
  process.stdout.write(table(["NAME", "URL", "DIALECT", "STATE", "RUNNING", "MODELS", "FROM"], rows));
}

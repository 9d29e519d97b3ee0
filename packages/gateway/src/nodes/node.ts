import type { DialectName, ModelCard } from "@atoma/contract";
import { Client, Pool } from "undici";
import type { Dialect } from "../dialects/dialect.ts";
import { DIALECTS } from "../dialects/dialects.ts";
import type { NodeModel } from "./describe-model.ts";

/** How an https node is told from others, and the gateway from strangers; PEM. */
export interface NodeTls {
  /** Who signs the node's certificate. Default: the authorities that Node.js trusts. */
  readonly ca?: string | undefined;
  /** The gateway's own certificate, for nodes that ask for one, and its private key. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** A node as the operator names it. */
export interface NodeConfig {
  readonly name: string;
  /** An origin: scheme, host and port. */
  readonly url: string;
  /** The gateway's own credential there. */
  readonly token?: string | undefined;
  /** For an https URL. */
  readonly tls?: NodeTls | undefined;
  /** Which kind of server it is. Default: our own. */
  readonly dialect?: DialectName | undefined;
  /** What it serves. Needed for every dialect but our own, whose nodes tell it themselves. */
  readonly models?: readonly NodeModel[] | undefined;
  /** How many requests it gets at a time. Default: the dialect's. */
  readonly maxConcurrent?: number | undefined;
  /** Gets nothing new; what it does is finished. */
  readonly draining?: boolean | undefined;
}

export interface Node {
  readonly name: string;
  readonly origin: string;
  readonly token: string | undefined;
  readonly dialect: Dialect;
  readonly maxConcurrent: number;
  readonly pool: Pool;
  /** For probes alone, so that they never wait behind generations. */
  readonly probes: Client;
  draining: boolean;
  /** Models it offers, as it last said; kept while it is away. */
  models: readonly NodeModel[];
  /** Whether it has ever said which models it offers. */
  known: boolean;
  ready: boolean;
  /** Why it is not ready, as last logged. */
  reason: string | undefined;
  /** When it is to be probed again, in ms since the epoch. */
  probeAt: number;
  /** While it is away, or draining: until when it is expected to be back, in ms since the epoch; 0 of one never there. */
  expectedUntil: number;
}

const CONNECT_TIMEOUT_MS = 3000;

/** Other names for models: alias → model id. */
export type Aliases = ReadonlyMap<string, string>;

/** The card with the gateway's own aliases for it. */
export function withAliases(card: ModelCard, aliases: Aliases): ModelCard {
  return { ...card, aliases: [...aliases].filter(([, id]) => id === card.id).map(([alias]) => alias) };
}

export function openNode(config: NodeConfig, aliases: Aliases): Node {
  const { name, url, token, models = [], draining = false } = config;
  const dialect = DIALECTS[config.dialect ?? "atoma"];
  // Generations have one deadline of their own, longer than undici's 300 s.
  // No limit of connections: a request that waits for one cannot be aborted, and how many there are is decided before.
  const { origin } = new URL(url);
  const connect = { timeout: CONNECT_TIMEOUT_MS, ...config.tls };
  // With HTTP/2 leaving one request would not close the connection, by which foreign servers notice.
  const allowH2 = false;
  return {
    name,
    origin,
    token,
    dialect,
    maxConcurrent: config.maxConcurrent ?? dialect.maxConcurrent,
    pool: new Pool(origin, { allowH2, connections: null, connect, headersTimeout: 0, bodyTimeout: 0 }),
    probes: new Client(origin, { allowH2, connect }),
    draining,
    models: models.map((model) => ({ ...model, card: withAliases(model.card, aliases) })),
    known: dialect.name !== "atoma",
    ready: false,
    reason: undefined,
    probeAt: 0,
    expectedUntil: 0,
  };
}

/** Closes its connections once what was asked on them is answered; a cancellation may be under way. */
export async function closeNode({ pool, probes }: Node): Promise<void> {
  await Promise.all([pool.close(), probes.destroy()]);
}

export async function destroyNode({ pool, probes }: Node): Promise<void> {
  await Promise.all([pool.destroy(), probes.destroy()]);
}

/** The gateway's own credential for a node. */
export function nodeHeaders({ token }: Pick<Node, "token">): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

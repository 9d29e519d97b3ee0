import type { DialectName, ModelCard } from "@atoma/contract";
import { Client, type Dispatcher, Pool } from "undici";
import { DIALECTS } from "../dialects/dialects.ts";
import type { NodeFacts } from "../routing/types.ts";
import type { Endpoint } from "../upstream/endpoint.ts";
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
  /** Its pictures are passed on without being decoded first. Default: false. */
  readonly trusted?: boolean | undefined;
}

/**
 * Whether a node is there. `new` becomes `ready` or `away` with the first probe; `ready` and `away` change with each probe, and
 * a request that finds no connection makes it `away`.
 */
export type Presence =
  | { readonly kind: "new" }
  | { readonly kind: "ready" }
  /** `reason` for the operator; undefined where only a request has found out. */
  | { readonly kind: "away"; readonly reason: string | undefined };

/** A node as the registry keeps it: the registry alone writes to it. */
export interface Node extends Endpoint {
  readonly maxConcurrent: number;
  /** For probes alone, so that they never wait behind generations. */
  readonly probes: Dispatcher;
  /** Gets nothing new. */
  draining: boolean;
  /** Models it offers, as it last said; kept while it is away. */
  models: readonly NodeModel[];
  /** Whether it has ever said which models it offers. */
  known: boolean;
  presence: Presence;
  /** When it is to be probed again, by the monotonic clock. */
  probeAt: number;
  /** While it is away, or draining: until when it is expected to be back; 0 of one that was never there. */
  expectedUntil: number;
}

/** How long a node is expected back that said it leaves. Requests wait for one that restarts, not for one that is gone. */
export const RESTART_MS = 30_000;
/** The same of one that went without a word: restarted while it had nothing to do, or dead. */
const SILENT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 3000;

/** Other names for models: alias → model id. */
export type Aliases = ReadonlyMap<string, string>;

/** The card with the gateway's own aliases for it. */
export function withAliases(card: ModelCard, aliases: Aliases): ModelCard {
  return { ...card, aliases: [...aliases].filter(([, id]) => id === card.id).map(([alias]) => alias) };
}

/** How a node is reached: for generations, and for probes. */
export type Connect = (config: NodeConfig) => Pick<Node, "pool" | "probes">;

const overTheNetwork: Connect = ({ url, tls }) => {
  const { origin } = new URL(url);
  const connect = { timeout: CONNECT_TIMEOUT_MS, ...tls };
  // With HTTP/2 leaving one request would not close the connection, by which foreign servers notice.
  const allowH2 = false;
  return {
    // Generations have one deadline of their own, longer than undici's 300 s.
    // No limit of connections: a request that waits for one cannot be aborted, and how many there are is decided before.
    pool: new Pool(origin, { allowH2, connections: null, connect, headersTimeout: 0, bodyTimeout: 0 }),
    probes: new Client(origin, { allowH2, connect }),
  };
};

export function openNode(config: NodeConfig, aliases: Aliases, connect: Connect = overTheNetwork): Node {
  const { name, url, token, models = [], draining = false } = config;
  const dialect = DIALECTS[config.dialect ?? "atoma"];
  return {
    ...connect(config),
    name,
    origin: new URL(url).origin,
    token,
    dialect,
    trusted: config.trusted === true,
    maxConcurrent: config.maxConcurrent ?? dialect.maxConcurrent,
    draining,
    models: models.map((model) => ({ ...model, card: withAliases(model.card, aliases) })),
    known: dialect.name !== "atoma",
    presence: { kind: "new" },
    probeAt: 0,
    expectedUntil: 0,
  };
}

export const isReady = ({ presence }: Node): boolean => presence.kind === "ready";

/** What the router needs to know of a node. Writes down since when it is away. */
export function factsOf(node: Node, now: number): NodeFacts {
  const { maxConcurrent, draining } = node;
  const ready = isReady(node);
  if (ready && !draining) node.expectedUntil = Number.POSITIVE_INFINITY;
  else if (node.expectedUntil === Number.POSITIVE_INFINITY)
    node.expectedUntil = now + (draining ? RESTART_MS : SILENT_MS);
  return { maxConcurrent, ready, draining, expectedUntil: node.expectedUntil };
}

/** Closes its connections once what was asked on them is answered; a cancellation may be under way. */
export async function closeNode({ pool, probes }: Node): Promise<void> {
  await Promise.all([pool.close(), probes.destroy()]);
}

export async function destroyNode({ pool, probes }: Node): Promise<void> {
  await Promise.all([pool.destroy(), probes.destroy()]);
}

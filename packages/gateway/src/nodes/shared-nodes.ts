import { CapabilitiesError, DIALECT_NAMES, type DialectName } from "@atoma/contract";
import type { Ledger, NodeEntry } from "@atoma/ledger";
import type { Logger } from "pino";
import { type Clock, every } from "../clock.ts";
import { readForeignModels } from "./describe-model.ts";
import { type NodeConfig, RESTART_MS } from "./node.ts";

/** How often the list of nodes is looked at: a change is known to every gateway within a second. */
const POLL_MS = 500;
/** A node that joins is taken to be gone after so long without a heartbeat. */
export const LIFE_MS = 10_000;
/** A list that could not be read for so long was away: heartbeats could not be written down either. */
const AWAY_MS = 4 * POLL_MS;

export const dialectNamed = (name: string): DialectName | undefined => DIALECT_NAMES.find((known) => known === name);

/** An entry as a node, unless it has not joined, or only marks another. Throws CapabilitiesError. */
function toConfig(entry: NodeEntry): NodeConfig | undefined {
  const { name, url, token, maxConcurrent, draining, leaving } = entry;
  if (url === null) return undefined;
  const dialect = dialectNamed(entry.dialect);
  if (!dialect) throw new CapabilitiesError(`dialect: ${entry.dialect} is not known to this version`);
  return {
    name,
    url,
    token: token ?? undefined,
    dialect,
    models: readForeignModels(entry.models === null ? undefined : JSON.parse(entry.models), dialect),
    maxConcurrent: maxConcurrent ?? undefined,
    draining: draining || leaving,
  };
}

/** The nodes of the configuration and those of the ledger together; a name in the configuration comes first. */
export function mergeNodes(
  configured: readonly NodeConfig[],
  entries: readonly NodeEntry[],
  onBad: (name: string, error: unknown) => void,
): NodeConfig[] {
  const marks = new Map(entries.map(({ name, draining }) => [name, draining]));
  const own = configured.map((config) => ({
    ...config,
    draining: config.draining === true || marks.get(config.name) === true,
  }));
  const names = new Set(configured.map(({ name }) => name));
  const shared = entries.flatMap((entry) => {
    if (names.has(entry.name)) return [];
    try {
      return toConfig(entry) ?? [];
    } catch (error) {
      onBad(entry.name, error);
      return [];
    }
  });
  return [...own, ...shared];
}

/**
 * Which entries are there now, or may be restarting. Time in which the list could not be read is no silence of the nodes: whoever was there before
 * it has as long as ever, from its end on, to be heard again.
 */
export function presence(): (entries: readonly NodeEntry[], now: number) => NodeEntry[] {
  let readAt: number | undefined;
  let forgivenUntil = 0;
  let present: ReadonlySet<string> = new Set();
  return (entries, now) => {
    if (readAt !== undefined && now - readAt > AWAY_MS) forgivenUntil = now + LIFE_MS;
    readAt = now;
    const isHeard = ({ name, expiresAt }: NodeEntry) =>
      expiresAt === null || expiresAt > now || (now < forgivenUntil && present.has(name));
    const heard = new Set(entries.filter(isHeard));
    present = new Set([...heard].map(({ name }) => name));
    // What has fallen silent gets nothing, but may be restarting: until then its models are known, and waited for.
    return entries
      .filter((entry) => heard.has(entry) || now - (entry.expiresAt ?? now) < RESTART_MS)
      .map((entry) => (heard.has(entry) ? entry : { ...entry, leaving: true }));
  };
}

export interface SharedNodes {
  /** Resolves once a list that was read after this call counts, or cannot be read. Never rejects. */
  refresh(): Promise<void>;
  close(): void;
}

/** Keeps the nodes as the ledger has them. While it cannot be asked, they stay as they are. */
export function sharedNodes(
  ledger: Ledger,
  configured: readonly NodeConfig[],
  replace: (nodes: readonly NodeConfig[]) => void,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): SharedNodes {
  const told = new Set<string>();
  const onBad = (node: string, err: unknown) => {
    if (told.has(node)) return;
    told.add(node);
    log.error({ node, err }, "a node's entry cannot be used");
  };
  const thereOf = presence();
  let reading: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  async function read(): Promise<void> {
    try {
      const entries = await ledger.nodes.list();
      replace(mergeNodes(configured, thereOf(entries, clock.now()), onBad));
    } catch (error) {
      log.debug({ err: error }, "the list of nodes was not read");
    } finally {
      reading = undefined;
    }
  }

  function refresh(): Promise<void> {
    if (reading === undefined) {
      reading = read();
      return reading;
    }
    // What is being read may be from before the change that the caller wants to see.
    next ??= reading.then(() => {
      next = undefined;
      return refresh();
    });
    return next;
  }

  const stop = every(clock, POLL_MS, () => {
    if (reading === undefined) void refresh();
  });
  return { refresh, close: stop };
}

import { CapabilitiesError, DIALECT_NAMES, type DialectName } from "@atoma/contract";
import type { Ledger, NodeEntry } from "@atoma/ledger";
import type { Logger } from "pino";
import { readForeignModels } from "./foreign-models.ts";
import type { NodeConfig } from "./node.ts";

/** How often the list of nodes is looked at: a change is known to every gateway within a second. */
export const POLL_MS = 500;

export const dialectNamed = (name: string): DialectName | undefined => DIALECT_NAMES.find((known) => known === name);

/** An entry as a node, unless it has not joined, is gone, or only marks another. Throws CapabilitiesError. */
function toConfig(entry: NodeEntry, now: number): NodeConfig | undefined {
  const { name, url, token, maxConcurrent, draining, leaving, expiresAt } = entry;
  if (url === null || (expiresAt !== null && expiresAt <= now)) return undefined;
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
  now: number,
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
      return toConfig(entry, now) ?? [];
    } catch (error) {
      onBad(entry.name, error);
      return [];
    }
  });
  return [...own, ...shared];
}

/** Keeps the nodes as the ledger has them. While it cannot be asked, they stay as they are. */
export function sharedNodes(
  ledger: Ledger,
  configured: readonly NodeConfig[],
  replace: (nodes: readonly NodeConfig[]) => void,
  { now, log }: { readonly now: () => number; readonly log: Logger },
): { refresh(): Promise<void>; close(): void } {
  const told = new Set<string>();
  const onBad = (node: string, err: unknown) => {
    if (told.has(node)) return;
    told.add(node);
    log.error({ node, err }, "a node's entry cannot be used");
  };
  let busy = false;
  async function refresh(): Promise<void> {
    if (busy) return;
    busy = true;
    try {
      replace(mergeNodes(configured, await ledger.nodes.list(), now(), onBad));
    } catch (error) {
      log.debug({ err: error }, "the list of nodes was not read");
    } finally {
      busy = false;
    }
  }
  const timer = setInterval(refresh, POLL_MS);
  timer.unref();
  return { refresh, close: () => clearInterval(timer) };
}

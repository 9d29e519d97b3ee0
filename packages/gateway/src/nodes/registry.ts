import { setTimeout as wait } from "node:timers/promises";
import { type ApiError, errors, type ImageJob, type ModelCard } from "@atoma/contract";
import type { Logger } from "pino";
import type { LoadReport } from "../routing/balancer.ts";
import { type Lease, nodeQueue, SOON_MS, type Wanted } from "../routing/node-queue.ts";
import { reasonOf } from "../upstream/connection-errors.ts";
import { type Aliases, closeNode, destroyNode, type Node, type NodeConfig, openNode } from "./node.ts";
import { probe } from "./probe.ts";

export interface Registry {
  /** The model id that a name stands for: an alias's model, or the name itself. */
  modelId(name: string): string;
  /** The card behind a model id or alias. Throws ApiError 500 when a node that may have it was never reached. */
  findModel(id: string): ModelCard | undefined;
  listModels(): readonly ModelCard[];
  /** Throws ApiError 400 when there are nodes for the job's model, but none that can do it as the client wants it. */
  requireAble(job: ImageJob): void;
  /**
   * A node for the job, once one is free. Throws as `requireAble`, ApiError 500 when no node can be reached, 503 when none
   * will be free in time, and the signal's reason.
   */
  acquire(job: ImageJob, wanted: Wanted): Promise<Lease>;
  /** Whether some node is ready, and may get requests. */
  anyReady(): boolean;
  /** How each node is now. */
  status(): readonly NodeStatus[];
  /** How many requests wait for a node. */
  waiting(): number;
  /** Asks every node how it is. Never rejects. */
  probe(): Promise<void>;
  /** These are the nodes from now on. Those that are gone finish what they do. */
  replace(configs: readonly NodeConfig[]): void;
  /** Nobody waits for a node any more: whoever does, or will have to, gets ApiError 503 `shutting_down`. */
  refuseWaiting(): void;
  close(): Promise<void>;
}

/** For operators. */
export interface NodeStatus {
  readonly name: string;
  readonly origin: string;
  readonly dialect: string;
  readonly ready: boolean;
  /** Why it is not ready. */
  readonly reason: string | undefined;
  readonly inFlight: number;
  readonly maxConcurrent: number;
  /** Ids. */
  readonly models: readonly string[];
}

const TICK_MS = 500;
/** How often a node is asked that is not ready, and not expected to be soon. */
const AWAY_PROBE_MS = 2000;
/** How long nodes may take to hear that what they do is not wanted any more. */
const LAST_WORDS_MS = 2000;

export interface RegistryOptions {
  readonly nodes: readonly NodeConfig[];
  readonly aliases: Aliases;
  readonly log: Logger;
  readonly random: () => number;
  /** How many requests may wait for a node, and how long. */
  readonly maxQueue: number;
  readonly queueTimeoutMs: number;
}

/** Of a node that does not tell: what this gateway gave it is all that is known. */
const NO_LOAD: LoadReport = { pendingRequests: 0, pixelStepsEach: 0 };

/** How long until a node is probed again. */
function pauseOf({ ready, dialect, expectedUntil }: Node): number {
  if (ready) return dialect.probeMs;
  return Date.now() < expectedUntil ? SOON_MS : AWAY_PROBE_MS;
}

/** What makes a change of a node's entry a new node. */
const identity = ({ name: _, draining: __, ...rest }: NodeConfig) => JSON.stringify(rest);

/** The nodes that there are, probed every two seconds; a probe never generates anything. */
export function openRegistry(options: RegistryOptions): Registry {
  const { aliases, log } = options;
  const nodes = new Map<string, { readonly node: Node; readonly config: NodeConfig }>();
  /** Those that are gone from the list and finish what they do. */
  const leaving = new Map<Node, Promise<void>>();
  const queue = nodeQueue(options);
  const all = () => [...nodes.values()].map(({ node }) => node);

  async function probeNode(node: Node): Promise<void> {
    const before = node.ready;
    let reason: string | undefined;
    try {
      const load = await probe(node, aliases);
      queue.report(node, load ?? NO_LOAD);
    } catch (error) {
      node.ready = false;
      reason = reasonOf(error, node.origin);
    }
    if (!node.ready && node.reason !== reason) log.warn({ node: node.name, reason }, "node is not ready");
    node.reason = node.ready ? undefined : reason;
    if (!before && node.ready) {
      log.info({ node: node.name, models: node.models.map(({ card }) => card.id) }, "node is ready");
    }
    node.probeAt = Date.now() + pauseOf(node);
    if (nodes.get(node.name)?.node === node) queue.put(node);
  }

  async function tick(): Promise<void> {
    const now = Date.now();
    const due = all().filter((node) => node.probeAt <= now);
    // Not again while it is being asked.
    for (const node of due) node.probeAt = Number.POSITIVE_INFINITY;
    await Promise.all(due.map(probeNode));
  }

  function add(config: NodeConfig, before?: Node): void {
    const node = openNode(config, aliases);
    if (before) {
      // It has restarted elsewhere: until it tells, it is taken to be what it was.
      node.expectedUntil = before.expectedUntil;
      node.known ||= before.known;
      if (node.models.length === 0) node.models = before.models;
    }
    nodes.set(config.name, { node, config });
    queue.put(node);
  }

  function remove(node: Node): void {
    if (nodes.get(node.name)?.node === node) nodes.delete(node.name);
    const ended = queue
      .remove(node)
      .then(() => closeNode(node))
      .finally(() => leaving.delete(node));
    leaving.set(node, ended);
  }

  const timer = setInterval(tick, TICK_MS);
  timer.unref();
  for (const config of options.nodes) add(config);

  function refusalOf({ dialect, models }: Node, job: ImageJob): ApiError | undefined {
    const { id } = job.card;
    const edits = dialect.editRequest && models.some(({ card }) => card.id === id && card.edits);
    if (job.operation === "image_edit" && !edits) return errors.noEdits(id);
    return dialect.refusal(job);
  }

  const serves = (node: Node, job: ImageJob) => node.models.some(({ card }) => card.id === job.card.id);
  const suits = (node: Node, job: ImageJob) => serves(node, job) && !refusalOf(node, job);
  const cards = () => new Map(all().flatMap(({ models }) => models.map(({ card }) => [card.id, card] as const)));

  function requireAble(job: ImageJob): void {
    const offering = all().filter((node) => serves(node, job));
    const refusals = offering.map((node) => refusalOf(node, job));
    const [first] = refusals;
    if (first && refusals.every((refusal) => refusal !== undefined)) throw first;
  }

  const modelId = (name: string) => aliases.get(name) ?? name;

  return {
    modelId,
    findModel(id) {
      const card = cards().get(modelId(id));
      if (!card && all().some((node) => !node.known)) throw errors.nodeUnreachable();
      return card;
    },
    listModels: () => [...cards().values()],
    requireAble,
    async acquire(job, wanted) {
      requireAble(job);
      return queue.acquire(job, (node) => suits(node, job), wanted);
    },
    anyReady: () => all().some(({ ready, draining }) => ready && !draining),
    status: () =>
      all().map((node) => ({
        name: node.name,
        origin: node.origin,
        dialect: node.dialect.name,
        ready: node.ready,
        reason: node.reason,
        inFlight: queue.inFlight(node),
        maxConcurrent: node.maxConcurrent,
        models: node.models.map(({ card }) => card.id),
      })),
    waiting: () => queue.waiting(),
    refuseWaiting: queue.refuseWaiting,
    async probe() {
      await Promise.all(all().map(probeNode));
    },
    replace(configs) {
      const wanted = new Map(configs.map((config) => [config.name, config]));
      for (const [name, { node, config }] of nodes) {
        const now = wanted.get(name);
        const same = now && identity(now) === identity(config);
        if (now && !same) add(now, node);
        if (!same) remove(node);
        else if (node.draining !== (now.draining ?? false)) {
          node.draining = now.draining ?? false;
          queue.put(node);
        }
      }
      for (const config of configs) if (!nodes.has(config.name)) add(config);
    },
    async close() {
      clearInterval(timer);
      queue.close();
      all().forEach(remove);
      const enough = new AbortController();
      const patience = wait(LAST_WORDS_MS, undefined, { signal: enough.signal }).catch(() => {});
      await Promise.race([Promise.all(leaving.values()), patience]);
      enough.abort();
      await Promise.all([...leaving.keys()].map(destroyNode));
    },
  };
}

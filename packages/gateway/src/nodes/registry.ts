import { errors, type ImageJob, type ModelCard } from "@atoma/contract";
import type { Logger } from "pino";
import { type Clock, every, sleep } from "../clock.ts";
import type { CircuitState } from "../routing/circuit-breaker.ts";
import { type Lease, nodeQueue, type Wanted } from "../routing/node-queue.ts";
import type { LoadReport } from "../routing/types.ts";
import { reasonOf } from "../upstream/connection-errors.ts";
import { type Able, type ModelCatalogue, modelCatalogue } from "./model-catalogue.ts";
import {
  type Aliases,
  type Connect,
  closeNode,
  destroyNode,
  factsOf,
  isReady,
  type Node,
  type NodeConfig,
  openNode,
  type Presence,
} from "./node.ts";
import { probe } from "./probe.ts";

/** The nodes that can do a job, for as long as it waits for one. */
export interface Candidates {
  readonly job: ImageJob;
  /** As the nodes are now. */
  able(): Able;
}

/** Who asks for a node, and how long it may wait. */
export type Asking = Omit<Wanted<Node>, "suits" | "work" | "model">;

export interface Registry {
  /** The model id that a name stands for: an alias's model, or the name itself. */
  modelId(name: string): string;
  /** The card behind a model id or alias. Throws ApiError 500 when a node that may have it was never reached. */
  findModel(id: string): ModelCard | undefined;
  listModels(): readonly ModelCard[];
  /** Throws ApiError 400 when there are nodes for the job's model, but none that can do it as the client wants it. */
  candidates(job: ImageJob): Candidates;
  /**
   * A node for the job, at once where one is free. Throws, or rejects with, what `candidates` throws, ApiError 500 when no node
   * can be reached, 503 when none will be free in time, and the signal's reason.
   */
  acquire(candidates: Candidates, asking: Asking): Lease<Node> | Promise<Lease<Node>>;
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
  /** Requests that wait for a node, or will have to, get ApiError 503 `shutting_down`. */
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
  readonly circuit: CircuitState;
  /** How long it gets no requests, because it failed or said that it is busy. */
  readonly opensInMs: number | undefined;
  readonly maxConcurrent: number;
  /** Ids. */
  readonly models: readonly string[];
}

const TICK_MS = 500;
/** How soon a node is probed again that may be back at any moment. */
const SOON_MS = 500;
/** How often a node is asked that is not ready, and not expected to be soon. */
const AWAY_PROBE_MS = 2000;
/** How long nodes may take to hear that what they do is not wanted any more. */
const LAST_WORDS_MS = 2000;

export interface RegistryOptions {
  readonly nodes: readonly NodeConfig[];
  readonly aliases: Aliases;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  /** How many requests may wait for a node, and how long. */
  readonly maxQueue: number;
  readonly queueTimeoutMs: number;
  /** Default: over the network. */
  readonly connect?: Connect;
}

/** Of a node that does not tell: what this gateway gave it is all that is known. */
const NO_LOAD: LoadReport = { pendingRequests: 0, pixelStepsEach: 0 };

/** What makes a change of a node's entry a new node. */
const identity = ({ name: _, draining: __, ...rest }: NodeConfig) => JSON.stringify(rest);

const reasonOfAway = (presence: Presence) => (presence.kind === "away" ? presence.reason : undefined);

/** Pictures × pixels × steps. */
const workOf = ({ n, width, height, steps }: ImageJob) => n * width * height * steps;

/** The nodes that there are, probed every two seconds; a probe never generates anything. */
export function openRegistry(options: RegistryOptions): Registry {
  const { aliases, log, clock } = options;
  const nodes = new Map<string, { readonly node: Node; readonly config: NodeConfig }>();
  /** Those that are gone from the list and finish what they do. */
  const leaving = new Map<Node, Promise<void>>();
  const queue = nodeQueue<Node>({ ...options, onUnreachable });
  const all = () => [...nodes.values()].map(({ node }) => node);
  let catalogue: ModelCatalogue | undefined;
  const offered = (): ModelCatalogue => {
    catalogue ??= modelCatalogue(all());
    return catalogue;
  };

  const put = (node: Node) => queue.put(node, factsOf(node, clock.monotonic()));

  function onUnreachable(node: Node): void {
    if (isReady(node)) node.presence = { kind: "away", reason: undefined };
    node.probeAt = Math.min(node.probeAt, clock.monotonic() + SOON_MS);
    put(node);
  }

  function setPresence(node: Node, presence: Presence): void {
    const [before, reason] = [node.presence, reasonOfAway(presence)];
    node.presence = presence;
    if (presence.kind !== "ready") {
      if (before.kind !== "away" || before.reason !== reason)
        log.warn({ node: node.name, reason }, "node is not ready");
    } else if (before.kind !== "ready") {
      log.info({ node: node.name, models: node.models.map(({ card }) => card.id) }, "node is ready");
    }
  }

  function pauseOf(node: Node): number {
    if (isReady(node)) return node.dialect.probeMs;
    return clock.monotonic() < node.expectedUntil ? SOON_MS : AWAY_PROBE_MS;
  }

  async function probeNode(node: Node): Promise<void> {
    try {
      const { models, load } = await probe(node, aliases, clock);
      if (models) {
        node.models = models;
        node.known = true;
        catalogue = undefined;
      }
      queue.report(node, load ?? NO_LOAD);
      setPresence(node, { kind: "ready" });
    } catch (error) {
      setPresence(node, { kind: "away", reason: reasonOf(error, node.origin) });
    }
    node.probeAt = clock.monotonic() + pauseOf(node);
    if (nodes.get(node.name)?.node === node) put(node);
  }

  async function tick(): Promise<void> {
    const now = clock.monotonic();
    const due = all().filter((node) => node.probeAt <= now);
    // Not again while it is being asked.
    for (const node of due) node.probeAt = Number.POSITIVE_INFINITY;
    await Promise.all(due.map(probeNode));
  }

  function add(config: NodeConfig, before?: Node): void {
    const node = openNode(config, aliases, options.connect);
    if (before) {
      // It has restarted elsewhere: until it tells, it is taken to be what it was.
      node.expectedUntil = before.expectedUntil;
      node.known ||= before.known;
      if (node.models.length === 0) node.models = before.models;
    }
    nodes.set(config.name, { node, config });
    catalogue = undefined;
    put(node);
  }

  function remove(node: Node): void {
    if (nodes.get(node.name)?.node === node) nodes.delete(node.name);
    catalogue = undefined;
    node.draining = true;
    put(node);
    const ended = queue
      .remove(node)
      .then(() => closeNode(node))
      .finally(() => leaving.delete(node));
    leaving.set(node, ended);
  }

  const stopTicking = every(clock, TICK_MS, () => void tick());
  for (const config of options.nodes) add(config);

  function candidates(job: ImageJob): Candidates {
    let of = offered();
    let known = of.able(job);
    if (known.refusal) throw known.refusal;
    return {
      job,
      able() {
        const now = offered();
        if (now !== of) known = now.able(job);
        of = now;
        return known;
      },
    };
  }

  const modelId = (name: string) => aliases.get(name) ?? name;

  return {
    modelId,
    findModel(id) {
      const card = offered().find(modelId(id));
      if (!card && all().some((node) => !node.known)) throw errors.nodeUnreachable();
      return card;
    },
    listModels: () => offered().cards,
    candidates,
    acquire({ job, able }, asking) {
      const { refusal } = able();
      if (refusal) throw refusal;
      return queue.acquire({
        ...asking,
        model: job.card.id,
        work: workOf(job),
        suits: (node) => able().nodes.has(node),
      });
    },
    anyReady: () => all().some((node) => isReady(node) && !node.draining),
    status: () =>
      all().map((node) => ({
        name: node.name,
        origin: node.origin,
        dialect: node.dialect.name,
        ready: isReady(node),
        reason: reasonOfAway(node.presence),
        inFlight: queue.inFlight(node),
        ...queue.condition(node),
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
          put(node);
        }
      }
      for (const config of configs) if (!nodes.has(config.name)) add(config);
    },
    async close() {
      stopTicking();
      queue.close();
      all().forEach(remove);
      const enough = new AbortController();
      const patience = sleep(clock, LAST_WORDS_MS, enough.signal).catch(() => {});
      await Promise.race([Promise.all(leaving.values()), patience]);
      enough.abort();
      await Promise.all([...leaving.keys()].map(destroyNode));
    },
  };
}

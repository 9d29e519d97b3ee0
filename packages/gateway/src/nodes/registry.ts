import { errors, fromModelObject, type ModelCard, type ModelObject } from "@atoma/contract";
import type { Logger } from "pino";
import { Client, Pool } from "undici";

/** A node as the operator names it. `token` is the gateway's own credential there. */
export interface NodeConfig {
  readonly name: string;
  readonly url: string;
  readonly token?: string | undefined;
}

export interface Node {
  readonly name: string;
  readonly token: string | undefined;
  readonly pool: Pool;
  /** For probes alone, so that they never wait behind generations. */
  readonly probes: Client;
  /** Models it offers, as it last said; kept while it is away. */
  cards: readonly ModelCard[];
  /** Whether it has ever said which models it offers. */
  known: boolean;
  ready: boolean;
  /** Why it is not ready, as last logged. */
  reason: string | undefined;
  inFlight: number;
}

export interface Registry {
  /** The card behind a model id or alias. Throws ApiError 500 when a node that may have it was never reached. */
  findModel(id: string): ModelCard | undefined;
  listModels(): readonly ModelCard[];
  /** Nodes that offer the model: ready ones first, the least busy of them first. */
  candidates(modelId: string): readonly Node[];
  anyReady(): boolean;
  /** Asks every node how it is. Never rejects. */
  probe(): Promise<void>;
  close(): Promise<void>;
}

const PROBE_MS = 2000;
const PROBE_TIMEOUT_MS = 1500;
const CONNECT_TIMEOUT_MS = 3000;
const MAX_PROBE_BYTES = 2 ** 20;

function open({ name, url, token }: NodeConfig): Node {
  // Generations have one deadline of their own, longer than undici's 300 s.
  // No limit of connections: a request that waits for one cannot be aborted, and the node bounds its own queue.
  const { origin } = new URL(url);
  const connect = { timeout: CONNECT_TIMEOUT_MS };
  const pool = new Pool(origin, { connections: null, connect, headersTimeout: 0, bodyTimeout: 0 });
  const probes = new Client(origin, { connect });
  return { name, token, pool, probes, cards: [], known: false, ready: false, reason: undefined, inFlight: 0 };
}

export function nodeHeaders(node: Node): Record<string, string> {
  return node.token === undefined ? {} : { authorization: `Bearer ${node.token}` };
}

async function get(node: Node, path: string): Promise<{ status: number; text: string }> {
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  const answer = await node.probes.request({ method: "GET", path, headers: nodeHeaders(node), signal });
  let text = "";
  for await (const chunk of answer.body) {
    text += chunk;
    if (text.length > MAX_PROBE_BYTES) throw new Error("answer too large");
  }
  return { status: answer.statusCode, text };
}

function readCards(text: string, aliases: ReadonlyMap<string, string>): ModelCard[] {
  const list: unknown = JSON.parse(text);
  if (typeof list !== "object" || list === null || !("data" in list) || !Array.isArray(list.data)) {
    throw new Error("not a model list");
  }
  const cards: ModelCard[] = [];
  for (const entry of list.data as readonly unknown[]) {
    if (typeof entry !== "object" || entry === null || !("id" in entry) || !("capabilities" in entry)) continue;
    // A node of our own dialect describes its models in our own form.
    const model = entry as ModelObject;
    const names = [...aliases].filter(([, id]) => id === model.id).map(([alias]) => alias);
    cards.push(fromModelObject(model, names));
  }
  return cards;
}

export interface RegistryOptions {
  readonly nodes: readonly NodeConfig[];
  /** Other names for models: alias → model id. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly log: Logger;
}

/** The nodes of the configuration, probed every two seconds; a probe never generates anything. */
export function openRegistry({ nodes: configs, aliases, log }: RegistryOptions): Registry {
  const nodes = configs.map(open);

  async function probeNode(node: Node): Promise<void> {
    const before = node.ready;
    let reason = "not ready";
    try {
      if (!node.known || !node.ready) {
        const models = await get(node, "/v1/models");
        if (models.status !== 200) throw new Error(`status ${models.status} from /v1/models`);
        node.cards = readCards(models.text, aliases);
        node.known = true;
      }
      node.ready = (await get(node, "/readyz")).status === 200;
    } catch (error) {
      node.ready = false;
      reason = error instanceof Error ? error.message : "?";
    }
    if (!node.ready && node.reason !== reason) log.warn({ node: node.name, reason }, "node is not ready");
    node.reason = node.ready ? undefined : reason;
    if (!before && node.ready) log.info({ node: node.name, models: node.cards.map((c) => c.id) }, "node is ready");
  }

  const probe = async () => {
    await Promise.all(nodes.map(probeNode));
  };
  const timer = setInterval(probe, PROBE_MS);
  timer.unref();

  const cards = () => new Map(nodes.flatMap((node) => node.cards.map((card) => [card.id, card] as const)));

  return {
    findModel(id) {
      const card = cards().get(aliases.get(id) ?? id);
      if (!card && nodes.some((node) => !node.known)) throw errors.nodeUnreachable();
      return card;
    },
    listModels: () => [...cards().values()],
    candidates(modelId) {
      const offering = nodes.filter((node) => node.cards.some((card) => card.id === modelId));
      return offering.sort((a, b) => Number(b.ready) - Number(a.ready) || a.inFlight - b.inFlight);
    },
    anyReady: () => nodes.some((node) => node.ready),
    probe,
    async close() {
      clearInterval(timer);
      await Promise.all(nodes.flatMap((node) => [node.pool.destroy(), node.probes.destroy()]));
    },
  };
}

import {
  type ApiError,
  errors,
  fromModelObject,
  type ImageJob,
  type ModelCard,
  readCapabilities,
} from "@atoma/contract";
import type { Logger } from "pino";
import { Client, Pool } from "undici";
import type { Dialect, DialectName } from "./dialect.ts";
import { DIALECTS } from "./dialects.ts";
import type { NodeModel } from "./foreign-models.ts";

/** A node as the operator names it. */
export interface NodeConfig {
  readonly name: string;
  /** An origin: scheme, host and port. */
  readonly url: string;
  /** The gateway's own credential there. */
  readonly token?: string | undefined;
  /** Which kind of server it is. Default: our own. */
  readonly dialect?: DialectName | undefined;
  /** What it serves. Needed for every dialect but our own, whose nodes tell it themselves. */
  readonly models?: readonly NodeModel[] | undefined;
  /** How many requests it gets at a time. Default: the dialect's. */
  readonly maxConcurrent?: number | undefined;
}

export interface Node {
  readonly name: string;
  readonly origin: string;
  readonly token: string | undefined;
  readonly dialect: Dialect;
  readonly pool: Pool;
  /** For probes alone, so that they never wait behind generations. */
  readonly probes: Client;
  /** Models it offers, as it last said; kept while it is away. */
  models: readonly NodeModel[];
  /** Whether it has ever said which models it offers. */
  known: boolean;
  ready: boolean;
  /** Why it is not ready, as last logged. */
  reason: string | undefined;
  inFlight: number;
}

export interface Registry {
  /** The model id that a name stands for: an alias's model, or the name itself. */
  modelId(name: string): string;
  /** The card behind a model id or alias. Throws ApiError 500 when a node that may have it was never reached. */
  findModel(id: string): ModelCard | undefined;
  listModels(): readonly ModelCard[];
  /** Throws ApiError 400 when there are nodes for the job's model, but none that can do it as the client wants it. */
  requireAble(job: ImageJob): void;
  /**
   * Nodes that can do the job: ready ones first, the least busy of them first. Throws as
   * `requireAble`.
   */
  candidates(job: ImageJob): readonly Node[];
  anyReady(): boolean;
  /** Asks every node how it is. Never rejects. */
  probe(): Promise<void>;
  close(): Promise<void>;
}

const PROBE_MS = 2000;
const PROBE_TIMEOUT_MS = 1500;
const CONNECT_TIMEOUT_MS = 3000;
const MAX_PROBE_BYTES = 2 ** 20;
const MAX_MODELS = 1000;

type Aliases = ReadonlyMap<string, string>;

const namesOf = (aliases: Aliases, id: string) =>
  [...aliases].filter(([, model]) => model === id).map(([name]) => name);

function open({ name, url, token, dialect = "atoma", models = [] }: NodeConfig, aliases: Aliases): Node {
  // Generations have one deadline of their own, longer than undici's 300 s.
  // No limit of connections: a request that waits for one cannot be aborted, and the node bounds its own queue.
  const { origin } = new URL(url);
  const connect = { timeout: CONNECT_TIMEOUT_MS };
  const pool = new Pool(origin, { connections: null, connect, headersTimeout: 0, bodyTimeout: 0 });
  const probes = new Client(origin, { connect });
  return {
    name,
    origin,
    token,
    dialect: DIALECTS[dialect],
    pool,
    probes,
    models: models.map((model) => ({ ...model, card: { ...model.card, aliases: namesOf(aliases, model.card.id) } })),
    known: dialect !== "atoma",
    ready: false,
    reason: undefined,
    inFlight: 0,
  };
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

/** The models that a node of our own dialect says it has. Throws on what is no such list. */
function readModels(text: string, aliases: Aliases): NodeModel[] {
  const list: unknown = JSON.parse(text);
  if (typeof list !== "object" || list === null || !("data" in list) || !Array.isArray(list.data)) {
    throw new Error("not a model list");
  }
  return (list.data as readonly unknown[]).slice(0, MAX_MODELS).flatMap((entry) => {
    if (typeof entry !== "object" || entry === null || !("id" in entry) || !("capabilities" in entry)) return [];
    const { id, capabilities } = entry;
    if (typeof id !== "string" || typeof capabilities !== "object" || capabilities === null) return [];
    const created = "created" in entry && Number.isSafeInteger(entry.created) ? Number(entry.created) : 0;
    const owner = "owned_by" in entry && typeof entry.owned_by === "string" ? entry.owned_by : "atoma";
    const known = readCapabilities({ ...capabilities });
    const object = { id, object: "model" as const, created, owned_by: owner, capabilities: known };
    return [{ card: fromModelObject(object, namesOf(aliases, id)), upstream: id }];
  });
}

export interface RegistryOptions {
  readonly nodes: readonly NodeConfig[];
  /** Other names for models: alias → model id. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly log: Logger;
}

/** The nodes of the configuration, probed every two seconds; a probe never generates anything. */
export function openRegistry({ nodes: configs, aliases, log }: RegistryOptions): Registry {
  const nodes = configs.map((config) => open(config, aliases));

  async function probeNode(node: Node): Promise<void> {
    const before = node.ready;
    let reason = "not ready";
    try {
      if (node.dialect.name === "atoma" && (!node.known || !node.ready)) {
        const models = await get(node, "/v1/models");
        if (models.status !== 200) throw new Error(`status ${models.status} from /v1/models`);
        node.models = readModels(models.text, aliases);
        node.known = true;
      }
      node.ready = (await get(node, node.dialect.probePath)).status === 200;
    } catch (error) {
      node.ready = false;
      reason = error instanceof Error ? error.message : "?";
    }
    if (!node.ready && node.reason !== reason) log.warn({ node: node.name, reason }, "node is not ready");
    node.reason = node.ready ? undefined : reason;
    if (!before && node.ready)
      log.info({ node: node.name, models: node.models.map(({ card }) => card.id) }, "node is ready");
  }

  const probe = async () => {
    await Promise.all(nodes.map(probeNode));
  };
  const timer = setInterval(probe, PROBE_MS);
  timer.unref();

  function refusalOf({ dialect, models }: Node, job: ImageJob): ApiError | undefined {
    const { id } = job.card;
    const edits = dialect.editRequest && models.some(({ card }) => card.id === id && card.edits);
    if (job.operation === "image_edit" && !edits) return errors.noEdits(id);
    return dialect.refusal(job);
  }

  function ableNodes(job: ImageJob): Node[] {
    const offering = nodes.filter((node) => node.models.some(({ card }) => card.id === job.card.id));
    const able = offering.filter((node) => !refusalOf(node, job));
    const [first] = offering;
    const refusal = able.length === 0 && first ? refusalOf(first, job) : undefined;
    if (refusal) throw refusal;
    return able;
  }

  const cards = () => new Map(nodes.flatMap((node) => node.models.map(({ card }) => [card.id, card] as const)));

  const modelId = (name: string) => aliases.get(name) ?? name;

  return {
    modelId,
    findModel(id) {
      const card = cards().get(modelId(id));
      if (!card && nodes.some((node) => !node.known)) throw errors.nodeUnreachable();
      return card;
    },
    listModels: () => [...cards().values()],
    requireAble: (job) => void ableNodes(job),
    candidates: (job) => ableNodes(job).sort((a, b) => Number(b.ready) - Number(a.ready) || a.inFlight - b.inFlight),
    anyReady: () => nodes.some((node) => node.ready),
    probe,
    async close() {
      clearInterval(timer);
      await Promise.all(nodes.flatMap((node) => [node.pool.destroy(), node.probes.destroy()]));
    },
  };
}

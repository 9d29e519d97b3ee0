import { fromModelObject, parseSize, readCapabilities } from "@atoma/contract";
import type { Clock } from "../clock.ts";
import { isRecord } from "../dialects/is-record.ts";
import type { LoadReport } from "../routing/types.ts";
import { readWithin } from "../upstream/read-bounded.ts";
import type { NodeModel } from "./describe-model.ts";
import { type Aliases, isReady, type Node, withAliases } from "./node.ts";
import { sumSamples } from "./prometheus.ts";

const TIMEOUT_MS = 1500;
const MAX_BYTES = 2 ** 20;
const MAX_MODELS = 1000;

const isAmount = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value) && value >= 0;

/** The server is there, and answers otherwise than a node that is ready. */
export class UnexpectedAnswer extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function get(node: Node, path: string, clock: Clock): Promise<{ status: number; text: string }> {
  const limits = { maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS, clock };
  const server = { pool: node.probes, token: node.token };
  const { status, body } = await readWithin(server, { method: "GET", path }, limits);
  return { status, text: body.text() };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function requireOk(node: Node, path: string, clock: Clock): Promise<string> {
  const { status, text } = await get(node, path, clock);
  if (status !== 200) throw new UnexpectedAnswer(status, `status ${status} from ${path}`);
  return text;
}

/** The entries of the list of models that a server has. Throws on what is no such list. */
export async function listModels(node: Node, clock: Clock): Promise<unknown[]> {
  const list = parse(await requireOk(node, "/v1/models", clock));
  if (!isRecord(list) || !Array.isArray(list.data))
    throw new UnexpectedAnswer(200, "no list of models from /v1/models");
  return list.data.slice(0, MAX_MODELS);
}

/** The models that a node of our own dialect says it has. Throws on what is no such list. */
async function readModels(node: Node, aliases: Aliases, clock: Clock): Promise<NodeModel[]> {
  return (await listModels(node, clock)).flatMap((entry) => {
    if (!isRecord(entry) || typeof entry.id !== "string" || !isRecord(entry.capabilities)) return [];
    const object = {
      id: entry.id,
      object: "model" as const,
      created: Number.isSafeInteger(entry.created) ? Number(entry.created) : 0,
      owned_by: typeof entry.owned_by === "string" ? entry.owned_by : "atoma",
      capabilities: readCapabilities(entry.capabilities),
    };
    return [{ card: withAliases(fromModelObject(object), aliases), upstream: entry.id }];
  });
}

/** What a node of our own dialect has to do. Undefined where it does not say. */
async function readLoad(node: Node, clock: Clock): Promise<LoadReport | undefined> {
  const { status, text } = await get(node, "/v1/load", clock);
  const load: unknown = status === 200 ? parse(text) : undefined;
  if (!isRecord(load) || !isAmount(load.pending_pixel_steps)) return undefined;
  const secondsPerPixelStep = new Map<string, number>();
  for (const model of Array.isArray(load.models) ? load.models.slice(0, MAX_MODELS) : []) {
    if (!isRecord(model) || typeof model.id !== "string" || !isAmount(model.seconds_per_pixel_step)) continue;
    secondsPerPixelStep.set(model.id, model.seconds_per_pixel_step);
  }
  return { pendingPixelSteps: load.pending_pixel_steps, secondsPerPixelStep };
}

/** What a request is taken to be of which only that it exists is known: one picture as the first model's card has it. */
function typicalWork({ models }: Node): number {
  const [card] = models.map((model) => model.card);
  const size = card && parseSize(card.defaultSize);
  return size ? size.width * size.height * card.steps.default : 0;
}

/** How many requests a foreign node has, where it tells. Undefined where it does not, for whatever reason. */
async function readMetrics(node: Node, clock: Clock): Promise<LoadReport | undefined> {
  const { metrics } = node.dialect;
  if (!metrics) return undefined;
  // A server that is ready without its metrics is as good as one that has none.
  const answer = await get(node, metrics.path, clock).catch(() => undefined);
  const sums = answer?.status === 200 ? sumSamples(answer.text, metrics.requests) : new Map<string, number>();
  if (sums.size === 0) return undefined;
  const pendingRequests = [...sums.values()].reduce((total, value) => total + value, 0);
  return { pendingRequests, pixelStepsEach: typicalWork(node) };
}

/** How a node is. */
export interface Probed {
  /** Undefined: as before. */
  readonly models: readonly NodeModel[] | undefined;
  /** If it tells. */
  readonly load: LoadReport | undefined;
}

/** Asks a node how it is. Generates nothing. Throws when it is away, or says that it is not ready. */
export async function probe(node: Node, aliases: Aliases, clock: Clock): Promise<Probed> {
  const own = node.dialect.name === "atoma";
  const models = own && (!node.known || !isReady(node)) ? await readModels(node, aliases, clock) : undefined;
  await requireOk(node, node.dialect.probePath, clock);
  const load = own ? await readLoad(node, clock) : await readMetrics(models ? { ...node, models } : node, clock);
  return { models, load };
}

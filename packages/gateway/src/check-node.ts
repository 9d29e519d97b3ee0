import { randomBytes } from "node:crypto";
import { formatSize, type ImageJob, type ModelCard, parseImageRequest, parseSize } from "@atoma/contract";
import pino from "pino";
import { type Clock, deadline, systemClock } from "./clock.ts";
import type { Abilities } from "./dialects/abilities.ts";
import { ABILITIES } from "./dialects/dialects.ts";
import { isRecord } from "./dialects/is-record.ts";
import type { FileStore } from "./files/file-store.ts";
import { forward } from "./generate/forward.ts";
import type { NodeModel } from "./nodes/describe-model.ts";
import { closeNode, type Node, type NodeConfig, openNode } from "./nodes/node.ts";
import { listModels, probe, UnexpectedAnswer } from "./nodes/probe.ts";
import { openRegistry } from "./nodes/registry.ts";
import { pictureMemory } from "./pictures/picture-memory.ts";
import { openShelf } from "./pictures/shelf.ts";
import type { LoadReport } from "./routing/types.ts";
import { reasonOf } from "./upstream/connection-errors.ts";

export interface CheckOptions {
  /** Whether to have one small picture made. */
  readonly generate: boolean;
  /** Of the models, the one to make it with. */
  readonly model?: string | undefined;
  readonly print: (line: string) => void;
  /** Default: the system's. */
  readonly clock?: Clock;
}

type Print = CheckOptions["print"];

const PICTURE_TIMEOUT_MS = 300_000;
/** So that the report stays on one screen. */
const MAX_SHOWN = 8;
const NOT_OURS = "it is no node of our own: --dialect names its kind (of a gateway: openai), --model what it serves";
const NO_ALIASES = new Map<string, string>();

const shown = (names: readonly string[]) =>
  names.length > MAX_SHOWN
    ? `${names.slice(0, MAX_SHOWN).join(", ")} and ${names.length - MAX_SHOWN} more`
    : names.join(", ");

/** What an operator can do about a server that answers, but not as a node that is ready. */
function adviceFor(error: unknown, { dialect, token }: Node): string | undefined {
  if (!(error instanceof UnexpectedAnswer)) return undefined;
  switch (error.status) {
    case 401:
    case 403:
      return token === undefined ? "it asks for a token: --token" : "it refuses this token";
    case 200:
    case 404:
      return dialect.name === "atoma" ? NOT_OURS : "is it another kind of server? --dialect names its kind";
    case 503:
      return "it is loading its models, or about to stop";
    default:
      return undefined;
  }
}

function tellAbilities(can: Abilities, print: Print): void {
  const able: [string, boolean][] = [
    [can.seeds === "one" ? "seeds (of one picture)" : "seeds", can.seeds !== "none"],
    ["steps", can.steps],
    ["guidance scale", can.guidance],
    ["negative prompts", can.negativePrompts],
    ["transparency", can.transparency],
    ["output compression", can.compression],
    ["several pictures at once", can.maxImages > 1],
    ["edits", can.edits !== undefined],
    ["masks", can.edits?.masks === true],
  ];
  const named = (wanted: boolean) => able.filter(([, is]) => is === wanted).map(([name]) => name);
  print(`  can be told:  ${[...named(true), `formats ${can.formats.join(", ")}`].join(" · ")}`);
  const refused = named(false);
  if (refused.length > 0) print(`  refused, 400: ${refused.join(" · ")}`);
}

function tellModel({ card, upstream }: NodeModel, countsSteps: boolean, print: Print): void {
  const { id, steps, sizes } = card;
  const name = upstream === id ? id : `${id} (there: ${upstream})`;
  const range = sizes.kind === "fixed" ? sizes.values.join(", ") : `edges to ${sizes.maxEdge}, of ${sizes.multiple}`;
  const facts = [
    `${card.defaultSize} (${range})`,
    ...(countsSteps ? [`${steps.default} steps (to ${steps.max})`] : []),
    ...(card.edits ? ["edits"] : []),
    ...(card.streaming ? ["streams"] : []),
  ];
  print(`  ${name}: ${facts.join(" · ")}`);
}

function tellLoad(load: LoadReport | undefined, print: Print): void {
  if (!load) print("  load: not told; the gateway counts what it gave it");
  else if ("pendingRequests" in load) print(`  load: ${load.pendingRequests} requests, by its metrics`);
  else print(`  load: ${load.pendingPixelSteps} pixel-steps`);
}

/** Compares what a foreign server lists with what it is said to serve; a server without a list is nothing wrong. */
async function tellListed(node: Node, clock: Clock, print: Print): Promise<void> {
  const entries = await listModels(node, clock).catch(() => []);
  const listed = entries.flatMap((entry) => (isRecord(entry) && typeof entry.id === "string" ? [entry.id] : []));
  if (listed.length === 0) return;
  const unlisted = node.models.filter(({ upstream }) => !listed.includes(upstream)).map(({ upstream }) => upstream);
  if (unlisted.length > 0) print(`note: it does not list ${shown(unlisted)}, but ${shown(listed)}`);
}

/** Asks and tells how a node is. Gives its models, or undefined when it cannot be used. */
async function tellNode(config: NodeConfig, clock: Clock, print: Print): Promise<readonly NodeModel[] | undefined> {
  const node = openNode(config, NO_ALIASES);
  const { name } = node.dialect;
  try {
    const { models = node.models, load } = await probe(node, NO_ALIASES, clock);
    print(`ok: ready at ${node.origin}, dialect ${name}, at most ${node.maxConcurrent} at a time`);
    tellLoad(load, print);
    if (name !== "atoma") tellAbilities(ABILITIES[name], print);
    print("models:");
    const countsSteps = name === "atoma" || ABILITIES[name].steps;
    for (const model of models.slice(0, MAX_SHOWN)) tellModel(model, countsSteps, print);
    if (models.length > MAX_SHOWN) print(`  and ${models.length - MAX_SHOWN} more`);
    if (name !== "atoma") await tellListed(node, clock, print);
    if (models.length > 0) return models;
    print("wrong: it offers none whose capabilities it tells");
    print(`       ${NOT_OURS}`);
    return undefined;
  } catch (error) {
    print(`wrong: no node of the dialect ${name} is ready at ${node.origin}`);
    print(`       ${reasonOf(error, node.origin)}`);
    const advice = adviceFor(error, node);
    if (advice !== undefined) print(`       ${advice}`);
    return undefined;
  } finally {
    await closeNode(node);
  }
}

/** The smallest square that the card allows, to make the check cheap. */
function smallest(card: ModelCard): string {
  const { sizes } = card;
  if (sizes.kind === "fixed") return card.defaultSize;
  const edge = Math.max(256, Math.ceil(Math.sqrt(sizes.minPixels)));
  const side = Math.ceil(edge / sizes.multiple) * sizes.multiple;
  const least = parseSize(card.defaultSize);
  return least && least.width * least.height < side * side ? card.defaultSize : `${side}x${side}`;
}

/** What the gateway's log would say of a refusal: status and code. */
function refusalLines(print: Print): (line: string) => void {
  return (line) => {
    const { status, code, msg } = JSON.parse(line) as { status?: number; code?: string | null; msg: string };
    if (status !== undefined) print(`       ${msg}: status ${status}${code ? `, ${code}` : ""}`);
  };
}

/** The check keeps no picture. */
const files: FileStore = {
  put: () => Promise.reject(new Error("the check stores nothing")),
  get: () => Promise.resolve(undefined),
  remove: () => Promise.resolve(),
  sweep: () => Promise.resolve(0),
  close: () => Promise.resolve(),
};
const nowhere = { files, pictureMemory: pictureMemory(Number.POSITIVE_INFINITY, () => {}), fileTtlMs: 0 };

async function makePicture(config: NodeConfig, card: ModelCard, clock: Clock, print: Print): Promise<boolean> {
  const log = pino({ level: "warn" }, { write: refusalLines(print) });
  const waiting = { maxQueue: 1, queueTimeoutMs: 1000 };
  const registry = openRegistry({ nodes: [config], aliases: NO_ALIASES, log, clock, random: Math.random, ...waiting });
  const fields = { model: card.id, prompt: "a red circle on a blue background", size: smallest(card) };
  const job: ImageJob = parseImageRequest(fields, { findModel: () => card });
  print(`makes one picture of ${formatSize(job)} with ${card.id} …`);
  const started = clock.monotonic();
  using limit = deadline(clock, PICTURE_TIMEOUT_MS, () => new Error("no picture within five minutes"));
  try {
    await registry.probe();
    await using shelf = openShelf({ ...nowhere, randomBytes, clock, log });
    const work = {
      shelf,
      job,
      candidates: registry.candidates(job),
      pictures: undefined,
      requestId: `check_${clock.now().toString(36)}`,
      account: "check",
      signal: limit.signal,
    };
    const context = { registry, generationTimeoutMs: PICTURE_TIMEOUT_MS, clock, randomBytes, log };
    for (const { format, size } of (await forward(work, context)).pictures) {
      const seconds = ((clock.monotonic() - started) / 1000).toFixed(1);
      print(`ok: ${format} of ${formatSize(job)}, ${size} bytes, in ${seconds} s`);
    }
    return true;
  } catch (error) {
    print(`wrong: ${error instanceof Error ? error.message : "?"}`);
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : undefined;
    if (cause !== undefined) print(`       ${cause}`);
    return false;
  } finally {
    await registry.close();
  }
}

/**
 * Tells an operator what a server supports and what it gets wrong, line by line, on one screen. Makes a picture only if it
 * may, and says so. Resolves with whether all that was tried is fine.
 */
export async function checkNode(config: NodeConfig, options: CheckOptions): Promise<boolean> {
  const { generate, model, print, clock = systemClock } = options;
  const models = await tellNode(config, clock, print);
  if (!models) return false;
  const wanted = model?.split("=", 1)[0];
  const found = models.find(({ card }) => wanted === undefined || card.id === wanted);
  if (!found) {
    print(`wrong: it does not offer ${wanted}`);
    return false;
  }
  if (generate) return makePicture(config, found.card, clock, print);
  print("no picture was made; --generate makes one");
  return true;
}

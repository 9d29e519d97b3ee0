import { formatSize, type ImageJob, type ModelCard, parseImageRequest, parseSize } from "@atoma/contract";
import pino from "pino";
import { forward } from "../steps/forward.ts";
import type { Abilities } from "./abilities.ts";
import { ABILITIES } from "./dialects.ts";
import type { NodeConfig } from "./node.ts";
import { openRegistry, type Registry } from "./registry.ts";

export interface CheckOptions {
  /** Whether to have one small picture made. */
  readonly generate: boolean;
  /** Of the models, the one to make it with. */
  readonly model?: string | undefined;
  readonly print: (line: string) => void;
}

const PICTURE_TIMEOUT_MS = 300_000;

function tellAbilities(can: Abilities, print: CheckOptions["print"]): void {
  const yes = (what: boolean) => (what ? "yes" : "no");
  print(`  seeds             ${can.seeds === "any" ? "yes" : can.seeds === "one" ? "with n = 1" : "no"}`);
  print(`  steps             ${yes(can.steps)}`);
  print(`  guidance scale    ${yes(can.guidance)}`);
  print(`  negative prompts  ${yes(can.negativePrompts)}`);
  print(`  formats           ${can.formats.join(", ")}${can.compression ? "" : ", at the server's own compression"}`);
  print(`  transparency      ${yes(can.transparency)}`);
  print(`  pictures at once  ${can.maxImages}`);
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

async function makePicture(registry: Registry, card: ModelCard, print: CheckOptions["print"]): Promise<boolean> {
  const fields = { model: card.id, prompt: "a red circle on a blue background", size: smallest(card) };
  const job: ImageJob = parseImageRequest(fields, { findModel: () => card });
  print(`makes one picture of ${formatSize(job)} with ${card.id} …`);
  const started = Date.now();
  try {
    const events = forward(job, {
      registry,
      account: "check",
      requestId: `check_${started.toString(36)}`,
      signal: AbortSignal.timeout(PICTURE_TIMEOUT_MS),
      timeoutMs: PICTURE_TIMEOUT_MS,
      now: Date.now,
      log: pino({ level: "silent" }),
    });
    for await (const event of events) {
      if (event.type === "image")
        print(`ok: ${event.format} of ${event.width}x${event.height}, ${event.bytes.length} bytes`);
    }
    print(`ok: in ${((Date.now() - started) / 1000).toFixed(1)} s`);
    return true;
  } catch (error) {
    print(`wrong: ${error instanceof Error ? error.message : "?"}`);
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : undefined;
    if (cause !== undefined) print(`       ${cause}`);
    return false;
  }
}

/**
 * Tells an operator what a server supports and what it gets wrong, line by line. Makes a picture only if it may, and says so.
 * Resolves with whether all that was tried is fine.
 */
export async function checkNode(config: NodeConfig, { generate, model, print }: CheckOptions): Promise<boolean> {
  const registry = openRegistry({
    nodes: [config],
    aliases: new Map(),
    log: pino({ level: "silent" }),
    random: Math.random,
    maxQueue: 1,
    queueTimeoutMs: 1000,
  });
  try {
    await registry.probe();
    const [status] = registry.status();
    if (!status?.ready) {
      print(`wrong: no ${config.dialect ?? "atoma"} node is ready at ${config.url}`);
      if (status?.reason !== undefined) print(`       ${status.reason}`);
      return false;
    }
    print(`ok: a ${status.dialect} node is ready at ${status.origin}`);
    print(`models: ${status.models.join(", ")}`);
    const { dialect = "atoma" } = config;
    if (dialect !== "atoma") {
      print("what can be said in this dialect; anything else is refused with 400:");
      tellAbilities(ABILITIES[dialect], print);
    }
    const wanted = model?.split("=", 1)[0];
    const card = registry.listModels().find(({ id }) => wanted === undefined || id === wanted);
    if (!card) {
      print(wanted === undefined ? "wrong: it offers no models" : `wrong: it does not offer ${wanted}`);
      return false;
    }
    if (!generate) {
      print("no picture was made; --generate makes one");
      return true;
    }
    return await makePicture(registry, card, print);
  } finally {
    await registry.close();
  }
}

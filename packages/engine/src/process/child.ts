/** The program of a model process: loads one model folder, warms up, then makes one job's pictures at a time. */
import { parseSize } from "@atoma/contract";
import { readModelFolder } from "../folder/read-model-folder.ts";
import { InputImageError } from "../image/decode.ts";
import { loadPipeline, type Pipeline } from "../pipeline/load-pipeline.ts";
import type { PictureRequest } from "../pipeline/picture-request.ts";
import { pixelSteps } from "../pipeline/pixel-steps.ts";
import type { ChildOptions, JobReport, Order, Report, Timings } from "./messages.ts";

class Cancelled extends Error {}

let cancelledId = -1;

/** Resolves when the report has left this process, so that large pictures do not pile up here. */
function report(message: Report): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!process.send) return reject(new Error("a model process is started by its parent only"));
    process.send(message, (error: Error | null) => (error ? reject(error) : resolve()));
  });
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

async function timed(pipeline: Pipeline, work: () => Promise<void>): Promise<Timings> {
  const started = performance.now();
  const runBefore = pipeline.clock.runMs;
  await work();
  return { runMs: pipeline.clock.runMs - runBefore, totalMs: performance.now() - started };
}

function ending(id: number, error: unknown): JobReport {
  if (error instanceof Cancelled) return { type: "cancelled", id };
  if (error instanceof InputImageError) return { type: "refused", id, param: error.param };
  return { type: "failed", id, message: messageOf(error) };
}

async function generate(pipeline: Pipeline, id: number, request: PictureRequest): Promise<void> {
  /** Gives the event loop a turn, in which an order to cancel arrives. */
  const pause = async () => {
    await new Promise(setImmediate);
    if (cancelledId === id) throw new Cancelled();
  };
  const timings = await timed(pipeline, async () => {
    for await (const event of pipeline.generate(request, { pause })) await report({ type: "event", id, event });
  });
  await report({ type: "finished", id, timings });
}

async function obey(pipeline: Pipeline, order: Order): Promise<void> {
  if (order.type === "cancel") {
    cancelledId = order.id;
    return;
  }
  const { id, request } = order;
  try {
    await generate(pipeline, id, request);
  } catch (error) {
    await report(ending(id, error));
  }
}

async function main({ path, threads, promptInPng }: ChildOptions): Promise<void> {
  const folder = readModelFolder(path);
  const pipeline = await loadPipeline(folder, { threads, promptInPng });
  const { defaultSize, guidanceScale } = folder.card;
  const tiny: PictureRequest = {
    prompt: "warm-up",
    negativePrompt: "",
    n: 1,
    ...(parseSize(defaultSize) ?? { width: 512, height: 512 }),
    outputFormat: "png",
    outputCompression: 100,
    partialImages: 0,
    seed: 0,
    steps: 1,
    guidanceScale: guidanceScale.default,
  };
  const warmUp = await timed(pipeline, async () => {
    for await (const _ of pipeline.generate(tiny));
  });
  // Both ends of the channel are of this package, so an order has an order's shape.
  process.on("message", (message) => void obey(pipeline, message as Order).catch(() => process.exit(1)));
  await report({ type: "ready", warmUp: { ...warmUp, pixelSteps: pixelSteps(tiny, folder.native) } });
}

// The parent decides when this process ends: a terminal's or a supervisor's signal to the whole group must not.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
process.on("disconnect", () => process.exit(0));

main(JSON.parse(process.argv[2] ?? "null")).catch(async (error: unknown) => {
  await report({ type: "unloadable", message: messageOf(error) }).catch(() => {});
  process.exit(1);
});

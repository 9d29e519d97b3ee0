/** The program of a model process: loads one model folder, warms up, then makes the pictures of requests that take turns. */
import { parseSize } from "@atoma/contract";
import { type ModelFolder, readModelFolder } from "../folder/read-model-folder.ts";
import { InputImageError } from "../image/decode.ts";
import type { Lane } from "../network/lane.ts";
import { measureBatches } from "../network/measure-batches.ts";
import { isOutOfMemory } from "../network/out-of-memory.ts";
import { type RunQueue, runQueue } from "../network/run-queue.ts";
import { openRuntime } from "../network/runtime.ts";
import { loadPipeline, type Pipeline } from "../pipeline/load-pipeline.ts";
import type { PictureRequest } from "../pipeline/picture-request.ts";
import { pixelSteps } from "../pipeline/pixel-steps.ts";
import { StepsError } from "../schedulers/scheduler.ts";
import type { ChildOptions, JobReport, Order, Report, Timings, WarmUp } from "./messages.ts";

class Cancelled extends Error {}

/** Resolves when the report has left this process. */
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

function ending(id: number, error: unknown): JobReport {
  if (error instanceof Cancelled) return { type: "cancelled", id };
  if (error instanceof InputImageError) return { type: "refused", id, param: error.param };
  if (error instanceof StepsError) return { type: "steps", id, message: error.message };
  const message = messageOf(error);
  return { type: "failed", id, message, outOfMemory: isOutOfMemory(message) };
}

interface Model {
  readonly folder: ModelFolder;
  readonly pipeline: Pipeline;
  readonly queue: RunQueue;
}

/** Does `work` for a request of this size, and says where the time went. */
async function timed(
  { folder, queue }: Model,
  request: PictureRequest,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<Timings> {
  const started = performance.now();
  const lane: Lane = { work: pixelSteps(request, folder.native), signal, runMs: 0, waitMs: 0 };
  await queue.enter(lane, work);
  return { runMs: lane.runMs, waitMs: lane.waitMs, totalMs: performance.now() - started };
}

async function generate(model: Model, id: number, request: PictureRequest, signal: AbortSignal): Promise<void> {
  const pause = async () => signal.throwIfAborted();
  const timings = await timed(model, request, signal, async () => {
    for await (const event of model.pipeline.generate(request, { pause })) {
      const sent = report({ type: "event", id, event });
      // Pictures are waited for, so that they do not pile up here. Whoever reports a step has the next one to do.
      if ("bytes" in event) await sent;
      else sent.catch(() => {});
    }
  });
  await report({ type: "finished", id, timings });
}

/** Follows the parent's orders. Requests are made beside each other. */
function follow(model: Model): (order: Order) => Promise<void> {
  const running = new Map<number, AbortController>();
  return async (order) => {
    const { id } = order;
    if (order.type === "cancel") {
      running.get(id)?.abort(new Cancelled());
      return;
    }
    const controller = new AbortController();
    running.set(id, controller);
    try {
      await generate(model, id, order.request, controller.signal);
    } catch (error) {
      await report(ending(id, error));
    } finally {
      running.delete(id);
    }
  };
}

/** Makes a picture of one step, or as few as the scheduler takes, at the default size, which nobody waits for. */
async function warmUp(model: Model): Promise<WarmUp> {
  const { defaultSize, guidanceScale } = model.folder.card;
  const request: PictureRequest = {
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
  const timings = await timed(model, request, new AbortController().signal, async () => {
    for await (const _ of model.pipeline.generate(request));
  });
  return { ...timings, pixelSteps: pixelSteps(request, model.folder.native) };
}

const now = () => performance.now();

async function main({ path, threads, metadata, provider, noise }: ChildOptions): Promise<void> {
  const queue = runQueue({ now, yieldLoop: () => new Promise(setImmediate) });
  const folder = readModelFolder(path);
  const runtime = openRuntime({ provider, threads });
  const pipeline = await loadPipeline(folder, { threads, runtime, noise, metadata, queue });
  const model = { folder, queue, pipeline };
  const warm = await warmUp(model);
  const sample = queue.takeSample();
  if (sample) queue.batchLimit = await measureBatches({ ...sample, now });
  const facts = {
    provider: runtime.provider ?? "cpu",
    precision: pipeline.precision,
    memoryMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
    batch: queue.batchLimit,
  };
  const obey = follow(model);
  // Both ends of the channel are of this package, so an order has an order's shape.
  process.on("message", (message) => void obey(message as Order).catch(() => process.exit(1)));
  await report({ type: "ready", warmUp: warm, facts });
}

// The parent decides when this process ends: a terminal's or a supervisor's signal to the whole group must not.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
process.on("disconnect", () => process.exit(0));

main(JSON.parse(process.argv[2] ?? "null")).catch(async (error: unknown) => {
  await report({ type: "unloadable", message: messageOf(error) }).catch(() => {});
  process.exit(1);
});

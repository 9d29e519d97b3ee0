/**
 * How much of a picture's CPU time is spent outside the networks: pictures and a bare loop of the same `session.run` calls
 * in turn, in one process, so that a busy machine slows both alike. CPU time, not the clock on the wall.
 * Usage: node bench/engine/overhead.ts [model folder] [--pictures 10] [--size WxH] [--steps N] [--threads 1]
 */
import { parseArgs } from "node:util";
import { parseImageRequest } from "@atoma/contract";
import { readModelFolder } from "@atoma/engine";
import type { InferenceSession } from "onnxruntime-common";
import { openRuntime, type Runtime } from "../../packages/engine/src/network/runtime.ts";
import { loadPipeline } from "../../packages/engine/src/pipeline/load-pipeline.ts";
import { toPictureRequest } from "../../packages/engine/src/pipeline/picture-request.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pictures: { type: "string", default: "10" },
    size: { type: "string" },
    steps: { type: "string" },
    threads: { type: "string", default: "1" },
  },
});
const threads = Number(values.threads);

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

type Feeds = Parameters<InferenceSession["run"]>[0];
let recording: { readonly session: InferenceSession; readonly feeds: Feeds }[] | undefined;
let withinMs = 0;

/** A runtime whose sessions tell what they are fed and how long they run. */
function observed(runtime: Runtime): Runtime {
  return {
    get provider() {
      return runtime.provider;
    },
    open: async (file) => {
      const session = await runtime.open(file);
      const run = session.run.bind(session);
      const observe = async (feeds: Feeds) => {
        recording?.push({ session, feeds });
        const started = cpuMs();
        const result = await run(feeds);
        withinMs += cpuMs() - started;
        return result;
      };
      // The bare loop calls the original.
      originals.set(session, run);
      return Object.assign(session, { run: observe });
    },
  };
}
const originals = new Map<InferenceSession, InferenceSession["run"]>();

const folder = readModelFolder(positionals[0] ?? "models/tiny");
const runtime = observed(openRuntime({ provider: "cpu", threads }));
const pipeline = await loadPipeline(folder, { threads, runtime });
const { card } = folder;
const body = {
  model: card.id,
  prompt: "a red circle on a blue background",
  size: values.size ?? card.defaultSize,
  ...(values.steps !== undefined && { steps: Number(values.steps) }),
};
const job = parseImageRequest(body, { findModel: () => card });
const draw = async () => {
  for await (const _ of pipeline.generate(toPictureRequest(job, () => 1)));
};

await draw();
const runs: NonNullable<typeof recording> = [];
recording = runs;
await draw();
recording = undefined;

const pictures: { readonly total: number; readonly within: number }[] = [];
const bare: number[] = [];
for (let i = 0; i < Number(values.pictures); i++) {
  withinMs = 0;
  const started = cpuMs();
  await draw();
  pictures.push({ total: cpuMs() - started, within: withinMs });
  const again = cpuMs();
  for (const { session, feeds } of runs) await originals.get(session)?.(feeds);
  bare.push(cpuMs() - again);
}
await pipeline.close();

const median = (numbers: readonly number[]) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
const total = median(pictures.map((one) => one.total));
console.log(
  `${card.id}, ${body.size}, ${job.steps} steps, ${threads} thread(s), CPU ms, medians of ${pictures.length}:`,
);
console.log(`  a picture              ${total.toFixed(1)}`);
console.log(`  within its networks    ${median(pictures.map((one) => one.within)).toFixed(1)}`);
console.log(
  `  outside the networks   ${(100 * median(pictures.map((one) => 1 - one.within / one.total))).toFixed(1)} %`,
);
console.log(`  the same runs bare     ${median(bare).toFixed(1)}: ${(median(bare) / total).toFixed(3)} of a picture`);

/**
 * How long warm pictures take, and how much of it is spent outside the networks.
 * Usage: node bench/engine/picture.ts [model folder] [--threads N] [--size WxH] [--pictures N] [--provider NAME]
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { parseImageRequest } from "@atoma/contract";
import { isProviderChoice, startModelProcess } from "@atoma/engine";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: "1" },
    size: { type: "string", default: "256x256" },
    pictures: { type: "string", default: "10" },
    provider: { type: "string", default: "auto" },
  },
});

const { provider } = values;
if (!isProviderChoice(provider)) throw new RangeError(`provider ${provider} is not known`);
const path = positionals[0] ?? "models/tiny";
const model = startModelProcess({ path, threads: Number(values.threads), provider });
const loading = performance.now();
await model.ready;
console.log(`loaded and warm after ${Math.round(performance.now() - loading)} ms; ${values.threads} thread(s)`);

const { card } = model.folder;
const body = { model: card.id, prompt: "a red circle on a blue background", size: values.size };
const job = parseImageRequest(body, { findModel: () => card });
const delay = monitorEventLoopDelay({ resolution: 2 });
delay.enable();
const seen: { wall: number; total: number; run: number }[] = [];
for (let i = 0; i < Number(values.pictures); i++) {
  const started = performance.now();
  for await (const _ of model.generate(job));
  const { timings } = model;
  if (timings) seen.push({ wall: performance.now() - started, total: timings.totalMs, run: timings.runMs });
}
delay.disable();
await model.close();

const median = (pick: (one: (typeof seen)[number]) => number) =>
  seen.map(pick).sort((a, b) => a - b)[Math.floor(seen.length / 2)] ?? Number.NaN;
const outside = median(({ total, run }) => (total - run) / total);
console.log(`${values.size}, ${job.steps} steps, guidance ${job.guidanceScale}, medians of ${seen.length}:`);
console.log(`  as the caller sees it  ${median((one) => one.wall).toFixed(1)} ms`);
console.log(`  in the model process   ${median((one) => one.total).toFixed(1)} ms`);
console.log(`  within the networks    ${median((one) => one.run).toFixed(1)} ms`);
console.log(`  outside the networks   ${(100 * outside).toFixed(1)} %`);
console.log(`caller's event loop: longest delay ${(delay.max / 1e6).toFixed(1)} ms`);

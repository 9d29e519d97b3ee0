/**
 * Makes many pictures beside each other, cancels some in the middle and kills the model process now and then. Prints the
 * memory of both processes as it goes. Ends with 1 when a job hangs, a picture is lost or memory grows.
 * Usage: node --expose-gc bench/engine/soak.ts [model folder] [--pictures 5000] [--cancels 0.05] [--kills 20] [--beside 8]
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ApiError, parseImageRequest } from "@atoma/contract";
import { startModelProcess } from "@atoma/engine";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pictures: { type: "string", default: "5000" },
    cancels: { type: "string", default: "0.05" },
    kills: { type: "string", default: "20" },
    beside: { type: "string", default: "8" },
    threads: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
  },
});
const pictures = Number(values.pictures);
const beside = Number(values.beside);
/** Nothing on this model takes so long, even on a machine that others use too. */
const STUCK_MS = 300_000;
const SAMPLES = 20;

let state = Number(values.seed);
/** 0 to 1, the same row of numbers for the same seed (Park and Miller, 1988). */
function random(): number {
  state = (state * 48_271) % 2_147_483_647;
  return state / 2_147_483_647;
}

const model = startModelProcess({
  path: positionals[0] ?? "models/tiny",
  threads: Number(values.threads),
  concurrency: beside,
});
await model.ready;
const { card } = model.folder;

class Leave extends Error {}
const seen = { made: 0, cancelled: 0, crashed: 0, retried: 0, begun: 0 };

async function attempt(leave: boolean): Promise<"made" | "cancelled" | "crashed"> {
  await model.untilReady(STUCK_MS);
  const steps = 1 + Math.floor(random() * 3);
  const at = Math.floor(random() * steps);
  const body = { model: card.id, prompt: "a red circle on a blue background", size: "256x256", steps };
  const controller = new AbortController();
  let progress = 0;
  try {
    for await (const event of model.generate(parseImageRequest(body, { findModel: () => card }), {
      signal: controller.signal,
    })) {
      if (leave && event.type === "progress" && progress++ === at) controller.abort(new Leave());
      if (event.type === "image" && event.bytes.length < 100) throw new Error("a picture is empty");
    }
    return leave ? "cancelled" : "made";
  } catch (error) {
    if (error instanceof Leave) return "cancelled";
    if (error instanceof ApiError && error.status >= 500) return "crashed";
    throw error;
  }
}

async function work(): Promise<void> {
  while (seen.begun < pictures) {
    seen.begun++;
    const leave = random() < Number(values.cancels);
    let outcome = await attempt(leave);
    while (outcome === "crashed") {
      seen.crashed++;
      outcome = await attempt(leave);
    }
    seen[outcome]++;
  }
}

/** Resident memory of a process in MiB, where /proc tells. */
function residentMiB(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  } catch {
    return 0;
  }
}

const started = performance.now();
const samples: { readonly parent: number; readonly heap: number; readonly child: number }[] = [];
let kills = 0;
let finished = 0;
let lastChange = performance.now();
const watch = setInterval(() => {
  const done = seen.made + seen.cancelled;
  if (done > finished) lastChange = performance.now();
  finished = done;
  if (performance.now() - lastChange > STUCK_MS) {
    console.error(`stuck at ${JSON.stringify(seen)}, the model process is ${model.state}`);
    process.exit(1);
  }
  if (
    kills < Number(values.kills) &&
    done >= ((kills + 0.5) * pictures) / Number(values.kills) &&
    model.pid !== undefined
  ) {
    kills++;
    process.kill(model.pid, "SIGKILL");
  }
  if (done >= ((samples.length + 1) * pictures) / SAMPLES) {
    globalThis.gc?.();
    const sample = {
      parent: residentMiB(process.pid),
      heap: Math.round(process.memoryUsage().heapUsed / 2 ** 20),
      child: residentMiB(model.pid),
    };
    samples.push(sample);
    console.log(
      `${done} pictures: parent ${sample.parent} MiB (heap ${sample.heap}), model process ${sample.child} MiB`,
    );
  }
}, 20);

await Promise.all(Array.from({ length: beside }, work));
clearInterval(watch);
const after = model.state;
await model.close();

const mean = (part: typeof samples, pick: (one: (typeof samples)[number]) => number) =>
  part.reduce((sum, one) => sum + pick(one), 0) / Math.max(1, part.length);
const third = Math.floor(samples.length / 3);
const [early, late] = [samples.slice(third, 2 * third), samples.slice(2 * third)];
const growth = {
  parent: mean(late, (one) => one.parent) - mean(early, (one) => one.parent),
  heap: mean(late, (one) => one.heap) - mean(early, (one) => one.heap),
};
console.log(
  `${seen.made} made, ${seen.cancelled} cancelled, ${kills} kills, ${seen.crashed} tries lost to them, ` +
    `${model.restarts} restarts, ${Math.round((performance.now() - started) / 1000)} s`,
);
console.log(
  `from the second third to the last: parent ${growth.parent.toFixed(1)} MiB, heap ${growth.heap.toFixed(1)} MiB`,
);
const bad = after !== "ready" || seen.made + seen.cancelled !== pictures || growth.heap > 5 || growth.parent > 30;
process.exitCode = bad ? 1 : 0;

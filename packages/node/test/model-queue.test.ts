import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ApiError, type ImageJob, parseImageRequest } from "@atoma/contract";
import { type ModelProcess, startModelProcess } from "@atoma/engine";
import { type ModelQueue, modelQueue } from "../src/model-queue.ts";
import { smoothedRate } from "../src/smoothed-rate.ts";
import { TINY } from "./support.ts";

let model: ModelProcess;
let queue: ModelQueue;
before(async () => {
  model = startModelProcess({ path: TINY, concurrency: 1 });
  queue = modelQueue(model, { card: model.folder.card, maxQueue: 1, startMs: 1_000 });
  await model.ready;
});
after(() => model.close());

function job(body: Readonly<Record<string, unknown>> = {}): ImageJob {
  const { card } = model.folder;
  return parseImageRequest(
    { prompt: "x", size: "256x256", steps: 2, ...body },
    { findModel: () => card, defaultModel: card.id },
  );
}
const never = () => new AbortController().signal;

test("a consumer that reads slowly does not keep the next request waiting, and loses nothing", async () => {
  const slow = queue.generate(job({ n: 2 }), { signal: never() });
  const first = await slow.next();
  assert.equal(first.value?.type, "progress");
  for await (const _ of queue.generate(job(), { signal: never() }));

  const rest: string[] = [];
  for await (const event of slow) rest.push(event.type);
  assert.deepEqual(rest, ["progress", "image", "progress", "progress", "image", "done"]);
});

test("leaving the iteration stops the job and frees its place", async () => {
  for await (const _ of queue.generate(job({ steps: 100, n: 10 }), { signal: never() })) break;
  const { running, queued, pending_pixel_steps } = queue.load;
  assert.deepEqual([running, queued, pending_pixel_steps], [0, 0, 0]);
});

test("a request that is aborted while it waits leaves the line at once", async () => {
  const running = queue.generate(job({ steps: 100, n: 10 }), { signal: never() });
  await running.next();
  const controller = new AbortController();
  const waiting = queue.generate(job(), { signal: controller.signal }).next();
  assert.equal(queue.load.queued, 1);
  const third = queue.generate(job(), { signal: never() }).next();
  await assert.rejects(third, (error: unknown) => error instanceof ApiError && error.code === "queue_full");
  controller.abort(new Error("gone"));
  await assert.rejects(waiting, /gone/);
  assert.deepEqual([queue.load.running, queue.load.queued], [1, 0]);
  await running.return(undefined);
});

test("a request that is aborted before it comes never starts", async () => {
  const events = queue.generate(job(), { signal: AbortSignal.abort(new Error("too late")) });
  await assert.rejects(events.next(), /too late/);
  assert.equal(queue.load.running, 0);
});

test("the rate begins with an estimate and follows what is measured", () => {
  let estimate: number | undefined;
  const rate = smoothedRate(() => estimate);
  assert.equal(rate.value, undefined);
  estimate = 9;
  assert.equal(rate.value, 9);
  rate.measure(10, 10);
  assert.equal(rate.value, 1, "a measurement replaces the estimate");
  rate.measure(20, 10);
  assert.ok(Math.abs((rate.value ?? 0) - 1.2) < 1e-12);
  rate.measure(1, 0);
  assert.ok(Math.abs((rate.value ?? 0) - 1.2) < 1e-12, "no work says nothing");
});

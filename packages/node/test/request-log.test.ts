import assert from "node:assert/strict";
import { test } from "node:test";
import { errors, type GenerationEvent } from "@atoma/contract";
import { REQUEST_LOG, requestLog } from "../src/request-log.ts";
import { systemTimers } from "../src/timers.ts";
import { manualTimers } from "./manual-timers.ts";

const progress = (step: number): GenerationEvent => ({ type: "progress", index: 0, step, steps: 9 });
const picture = (bytes: number): GenerationEvent => ({
  type: "image",
  index: 0,
  bytes: new Uint8Array(bytes),
  seed: 1,
  width: 1,
  height: 1,
  format: "png",
});
const done: GenerationEvent = { type: "done", usage: undefined };

/** A generation that goes on when it is told to. */
function manual() {
  const steps: PromiseWithResolvers<GenerationEvent | "end">[] = [Promise.withResolvers()];
  let starts = 0;
  let reason: unknown;
  return {
    get starts() {
      return starts;
    },
    get reason() {
      return reason;
    },
    emit(event: GenerationEvent | "end") {
      steps.push(Promise.withResolvers());
      steps.at(-2)?.resolve(event);
    },
    start: async function* (signal: AbortSignal) {
      starts++;
      const aborted = Promise.withResolvers<never>();
      aborted.promise.catch(() => {});
      signal.addEventListener("abort", () => {
        reason = signal.reason;
        aborted.reject(signal.reason);
      });
      for (let i = 0; ; i++) {
        const event = await Promise.race([steps[i]?.promise, aborted.promise]);
        if (event === "end" || event === undefined) return;
        yield event;
      }
    },
  };
}

const types = async (events: AsyncIterable<GenerationEvent>) => {
  const seen: string[] = [];
  for await (const event of events) seen.push(event.type === "progress" ? `progress ${event.step}` : event.type);
  return seen;
};

test("a caller that comes back gets the same generation from its first event on", async () => {
  const log = requestLog(systemTimers);
  const job = manual();
  const first = log.run("a", "f", job.start).read();
  job.emit(progress(1));
  assert.deepEqual((await first.next()).value, progress(1));
  await first.return(undefined);
  const again = types(log.run("a", "f", job.start).read());
  const other = types(log.find("a")?.read() ?? assert.fail("unknown"));
  for (const event of [progress(2), picture(4), done, "end"] as const) job.emit(event);
  const all = ["progress 1", "progress 2", "image", "done"];
  assert.deepEqual(await again, all);
  assert.deepEqual(await other, all);
  assert.deepEqual(await types(log.find("a")?.read() ?? assert.fail("unknown")), all, "also when it is finished");
  assert.equal(job.starts, 1);
  assert.throws(() => log.run("a", "another body", job.start), { status: 422 });
  assert.equal(log.find("b"), undefined);
  log.close(undefined);
});

test("a failure is remembered as such", async () => {
  const log = requestLog(systemTimers);
  const failing = async function* (): AsyncGenerator<GenerationEvent> {
    yield progress(1);
    throw new Error("out of memory");
  };
  await assert.rejects(types(log.run("a", "f", failing).read()), /out of memory/);
  await assert.rejects(types(log.find("a")?.read() ?? assert.fail("unknown")), /out of memory/);
  log.close(undefined);
});

test("who was turned away may come again with the same id", async () => {
  const log = requestLog(systemTimers);
  let busy = true;
  const queued = async function* (): AsyncGenerator<GenerationEvent> {
    if (busy) throw errors.queueFull(1000);
    yield done;
  };
  await assert.rejects(types(log.run("a", "f", queued).read()), { status: 429 });
  busy = false;
  assert.equal(log.find("a"), undefined);
  assert.deepEqual(await types(log.run("a", "f", queued).read()), ["done"]);
  log.close(undefined);
});

test("nobody reads it any more: it ends after a while, unless somebody comes back", async () => {
  const timers = manualTimers();
  const log = requestLog(timers);
  const [kept, left] = [manual(), manual()];
  await log.run("kept", "f", kept.start).read().return(undefined);
  await log.run("left", "f", left.start).read().return(undefined);
  await timers.advance(REQUEST_LOG.orphanMs - 1);
  assert.deepEqual([left.reason, kept.reason], [undefined, undefined]);
  const reader = types(log.find("kept")?.read() ?? assert.fail("unknown"));
  await timers.advance(1);
  assert.equal((left.reason as { status: number }).status, 499);
  await timers.advance(10 * REQUEST_LOG.orphanMs);
  assert.equal(kept.reason, undefined);
  kept.emit("end");
  await reader;
  log.close(undefined);
});

test("what is cancelled ends at once, and never begins if it comes later", async () => {
  const log = requestLog(systemTimers);
  const job = manual();
  const reading = types(log.run("a", "f", job.start).read());
  log.cancel("a");
  await assert.rejects(reading, { status: 499 });
  assert.throws(() => log.run("a", "f", job.start), { status: 410 });
  log.cancel("late");
  assert.throws(() => log.run("late", "f", job.start), { status: 410 });
  assert.throws(() => log.find("late"), { status: 410 });
  assert.equal(job.starts, 1);
  log.close(undefined);
});

test("finished pictures are held up to a bound, the oldest go first and are not made again", async () => {
  const log = requestLog(systemTimers, { ...REQUEST_LOG, maxBytes: 250 });
  const made = async function* (): AsyncGenerator<GenerationEvent> {
    yield picture(100);
    yield done;
  };
  for (const id of ["a", "b", "c"]) await types(log.run(id, "f", made).read());
  assert.throws(() => log.find("a"), { status: 410 });
  assert.throws(() => log.run("a", "f", made), { status: 410 });
  for (const id of ["b", "c"]) assert.equal((await types(log.find(id)?.read() ?? assert.fail("unknown"))).length, 2);
  log.close(undefined);
});

test("memories fade", async () => {
  const timers = manualTimers();
  const log = requestLog(timers);
  const made = async function* (): AsyncGenerator<GenerationEvent> {
    yield done;
  };
  await types(log.run("a", "f", made).read());
  log.cancel("b");
  await timers.advance(REQUEST_LOG.keepMs - 1);
  assert.deepEqual(await types(log.find("a")?.read() ?? assert.fail("forgotten")), ["done"]);
  assert.throws(() => log.find("b"), { status: 410 });
  await timers.advance(1);
  assert.equal(log.find("a"), undefined);
  assert.equal(log.find("b"), undefined);
  await timers.advance(REQUEST_LOG.orphanMs);
  assert.equal(timers.pending, 0, "nothing is left waiting");
});

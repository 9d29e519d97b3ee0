import assert from "node:assert/strict";
import { truncateSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ApiError, type GenerationEvent } from "@atoma/contract";
import { type ModelProcess, startModelProcess } from "../src/index.ts";
import { backoffMs } from "../src/process/backoff.ts";
import { collect, copyOfTiny, imagesOf, jobFor, TINY, temporaryFolder } from "./support.ts";

const failsWith = (code: string) => (error: unknown) => error instanceof ApiError && error.code === code;

describe("a loaded model process", () => {
  let model: ModelProcess;
  const restarts: string[] = [];
  before(async () => {
    model = startModelProcess({ path: TINY, onRestart: ({ reason }) => restarts.push(reason) });
    await model.ready;
  });
  after(() => model.close());

  const long = () => jobFor(model.folder.card, { steps: 100, n: 10 });
  const quick = () => jobFor(model.folder.card);

  test("makes several jobs beside each other, and no more than it says", async () => {
    const jobs = Array.from({ length: model.concurrency }, () => model.generate(long()));
    await Promise.all(jobs.map((job) => job.next()));
    assert.equal(model.state, "busy");
    await assert.rejects(collect(model.generate(quick())), /makes 8 jobs at a time/);
    await Promise.all(jobs.map((job) => job.return({ runMs: 0, waitMs: 0, totalMs: 0 })));
    assert.equal(model.state, "ready");
  });

  test("a picture of 4 steps beside 700 steps of others takes at most twice its own, and one", async () => {
    let others = 0;
    const leave = new AbortController();
    // Of seven shapes, because equal shapes may take their steps in one run.
    const left = Array.from({ length: 7 }, async (_, i) => {
      const body = { steps: 100, size: `${320 + 64 * i}x256` };
      const job = model.generate(jobFor(model.folder.card, body), { signal: leave.signal });
      for await (const event of job) if (event.type === "progress") others++;
    }).map((job) => assert.rejects(job, /seen enough/));
    while (others < 30) await new Promise(setImmediate);
    const before = others;
    const events: GenerationEvent[] = [];
    let beside = 0;
    for await (const event of model.generate(jobFor(model.folder.card, { steps: 4 }))) {
      events.push(event);
      if (event.type === "progress") beside = others - before;
    }
    leave.abort(new Error("seen enough"));
    await Promise.all(left);
    assert.equal(imagesOf(events).length, 1);
    // Until its last step its networks run 5 times: the text, four steps. One run of another was under way when it came.
    // What follows, resampling and encoding, takes no turn: others go on meanwhile.
    assert.ok(beside <= 6, `${beside} steps of others beside its own`);
  });

  test("a picture is the same alone, in a batch, and beside others", async () => {
    const { card } = model.folder;
    const alone = imagesOf(await collect(model.generate(jobFor(card, { seed: 6, steps: 3 }))))[0];
    const batch = imagesOf(await collect(model.generate(jobFor(card, { seed: 5, steps: 3, n: 3 }))));
    const beside = await Promise.all(
      [6, 40, 41, 6].map((seed) => collect(model.generate(jobFor(card, { seed, steps: 3 })))),
    );
    assert.ok(alone);
    assert.deepEqual(batch[1]?.bytes, alone.bytes);
    for (const events of [beside[0], beside[3]]) assert.deepEqual(imagesOf(events ?? [])[0]?.bytes, alone.bytes);
  });

  test("cancelling one job leaves the others alone", async () => {
    const leave = new AbortController();
    const cancelled = collect(model.generate(long(), { signal: leave.signal }));
    const other = collect(model.generate(jobFor(model.folder.card, { steps: 10 })));
    setImmediate(() => leave.abort(new Error("not wanted")));
    await assert.rejects(cancelled, /not wanted/);
    assert.equal(imagesOf(await other).length, 1);
    assert.deepEqual(restarts, []);
  });

  test("stops a cancelled job within one step and is free at once", async () => {
    const controller = new AbortController();
    const seen: GenerationEvent[] = [];
    const reason = new Error("the caller left");
    await assert.rejects(async () => {
      for await (const event of model.generate(long(), { signal: controller.signal })) {
        seen.push(event);
        if (seen.length === 3) controller.abort(reason);
      }
    }, reason);
    assert.ok(seen.length <= 4, `${seen.length} events: the step that ran, and no more`);
    assert.equal(model.state, "ready");
    assert.equal(imagesOf(await collect(model.generate(quick()))).length, 1);
    assert.deepEqual(restarts, [], "nothing had to be killed");
  });

  test("stops a job that nobody reads any further", async () => {
    for await (const event of model.generate(long())) if (event.type === "progress" && event.step === 2) break;
    assert.equal(model.state, "ready");
  });

  test("does not begin a job that is cancelled already", async () => {
    const signal = AbortSignal.abort(new Error("too late"));
    await assert.rejects(collect(model.generate(quick(), { signal })), /too late/);
    assert.equal(model.state, "ready");
  });

  test("reports where the time went", async () => {
    await collect(model.generate(jobFor(model.folder.card, { steps: 4 })));
    const { timings } = model;
    assert.ok(timings && timings.runMs > 0 && timings.totalMs > timings.runMs, JSON.stringify(timings));
  });

  test("killed in mid-picture, fails that job and makes the next", async () => {
    const before = model.pid;
    assert.ok(before !== undefined);
    await assert.rejects(async () => {
      for await (const event of model.generate(long())) {
        if (event.type === "progress" && event.step === 2) process.kill(before, "SIGKILL");
      }
    }, failsWith("generation_failed"));
    assert.equal(model.state, "restarting");
    assert.deepEqual(restarts, ["signal SIGKILL"]);
    await assert.rejects(collect(model.generate(quick())), failsWith("overloaded"));
    await assert.rejects(model.untilReady(0), failsWith("overloaded"));

    await model.untilReady(120_000);
    assert.notEqual(model.pid, before);
    assert.equal(imagesOf(await collect(model.generate(quick()))).length, 1);
    assert.equal(model.restarts, 1);
  });
});

test("closing ends the job and the process", async () => {
  const model = startModelProcess({ path: TINY });
  await model.ready;
  const { pid } = model;
  assert.ok(pid !== undefined);
  const events = model.generate(jobFor(model.folder.card, { steps: 100 }));
  await events.next();
  const rest = collect(events);
  const [, outcome] = await Promise.all([model.close(), assert.rejects(rest, failsWith("shutting_down"))]);
  assert.equal(outcome, undefined);
  assert.equal(model.state, "closed");
  assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  await assert.rejects(collect(model.generate(jobFor(model.folder.card))), failsWith("shutting_down"));
  await model.close();
});

test("a process that ignores cancelling is killed after the grace period", async () => {
  const model = startModelProcess({ path: TINY, graceMs: 1 });
  await model.ready;
  const { pid } = model;
  assert.ok(pid !== undefined);
  const controller = new AbortController();
  const reason = new Error("enough");
  try {
    await assert.rejects(async () => {
      for await (const _ of model.generate(jobFor(model.folder.card, { steps: 100 }), { signal: controller.signal })) {
        // A stopped process can neither obey nor end by itself.
        process.kill(pid, "SIGSTOP");
        controller.abort(reason);
      }
    }, reason);
    assert.equal(model.state, "restarting");
  } finally {
    await model.close();
  }
});

test("a network that cannot be loaded is named and not tried again", async () => {
  using folder = temporaryFolder();
  copyOfTiny(folder.path);
  const file = join(folder.path, "vae_decoder/model.onnx");
  truncateSync(file, 1000);
  const model = startModelProcess({ path: folder.path });
  try {
    await assert.rejects(model.ready, (error: unknown) => error instanceof Error && error.message.includes(file));
    assert.equal(model.state, "failed");
    await assert.rejects(collect(model.generate(jobFor(model.folder.card))), failsWith("generation_failed"));
    await assert.rejects(model.untilReady(1000), failsWith("generation_failed"));
  } finally {
    await model.close();
  }
});

test("delays between restarts double and have an end", () => {
  assert.deepEqual([0, 1, 2, 3].map(backoffMs), [100, 200, 400, 800]);
  assert.equal(backoffMs(20), 30_000);
  assert.equal(backoffMs(5000), 30_000);
});

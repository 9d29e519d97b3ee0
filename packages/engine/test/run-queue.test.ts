import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Lane } from "../src/network/lane.ts";
import { loadNetwork, type Network } from "../src/network/load-network.ts";
import { type RunQueue, runQueue } from "../src/network/run-queue.ts";
import { openRuntime } from "../src/network/runtime.ts";
import { floatsOf, makeTensor } from "../src/network/tensor-data.ts";
import { type Element, writeOnnx } from "./onnx.ts";
import { temporaryFolder } from "./support.ts";

/** A clock that tells how often it was asked. */
function counter(): () => number {
  let time = 0;
  return () => time++;
}

const newQueue = (): RunQueue => runQueue({ now: counter(), yieldLoop: () => new Promise(setImmediate) });

const lane = (work: number, signal = new AbortController().signal): Lane => ({ work, signal, runMs: 0, waitMs: 0 });

/** A network of two inputs, one with a row a picture and one for the whole batch: sample · timestep. */
function writeProduct(file: string, type: Element): void {
  writeOnnx(file, {
    inputs: [
      { name: "sample", type, shape: ["batch_size", 3] },
      { name: "timestep", type, shape: [] },
    ],
    outputs: [{ name: "out_sample", type, shape: ["batch_size", 3] }],
    constants: [],
    operations: [{ op: "Mul", inputs: ["sample", "timestep"], output: "out_sample" }],
  });
}

for (const type of ["float32", "float16"] as const) {
  describe(`runs of a network of ${type} in turn`, () => {
    const folder = temporaryFolder();
    const file = join(folder.path, "product.onnx");
    const clock = { runMs: 0 };
    let network: Network;
    let queue: RunQueue;
    before(async () => {
      writeProduct(file, type);
      queue = newQueue();
      network = await loadNetwork(file, {
        runtime: openRuntime({ provider: "cpu", threads: 1 }),
        clock,
        queue,
        pictures: "sample",
      });
    });
    after(async () => {
      await network.close();
      folder[Symbol.dispose]();
    });

    const evaluate = async (values: readonly number[], t: number) => {
      const outputs = await network.run({
        sample: makeTensor(type, values, [values.length / 3, 3]),
        timestep: makeTensor(type, [t], []),
      });
      return outputs.out_sample ? [...floatsOf(outputs.out_sample)] : [];
    };

    /** A request of so many steps, each with its own numbers. */
    const steps = (name: number, count: number, order: string[]) => async () => {
      for (let i = 0; i < count; i++) {
        const result = await evaluate([name, i, 1], 2);
        assert.deepEqual(result, [name * 2, i * 2, 2]);
        order.push(`${name}`);
      }
    };

    test("a short request beside long ones takes at most twice its runs and one", async () => {
      const order: string[] = [];
      const long = [1, 2, 3, 4, 5].map((name) => queue.enter(lane(100), steps(name, 100, order)));
      while (order.length < 23) await new Promise(setImmediate);
      const arrived = order.length;
      await queue.enter(lane(4), steps(9, 4, order));
      const beside = order.length - arrived - 4;
      assert.ok(beside <= 5, `${beside} runs of others beside its 4`);
      await Promise.all(long);
      assert.equal(order.length, 504);
    });

    test("what a request runs and waits is its own", async () => {
      const [a, b] = [lane(3), lane(3)];
      await Promise.all([queue.enter(a, steps(1, 3, [])), queue.enter(b, steps(2, 3, []))]);
      assert.ok(a.runMs > 0 && b.runMs > 0 && b.waitMs > 0, JSON.stringify([a, b]));
    });

    test("a request that is aborted while it waits throws its reason, and the others go on", async () => {
      const order: string[] = [];
      const controller = new AbortController();
      const long = queue.enter(lane(20), steps(1, 20, order));
      const waiting = queue.enter(lane(50, controller.signal), steps(2, 50, order));
      const rejected = assert.rejects(waiting, /enough/);
      while (!order.includes("2")) await new Promise(setImmediate);
      controller.abort(new Error("enough"));
      await rejected;
      const seen = order.filter((name) => name === "2").length;
      await long;
      assert.equal(order.filter((name) => name === "2").length, seen);
      await assert.rejects(queue.enter(lane(1, controller.signal), steps(3, 1, order)), /enough/);
    });

    test("runs of one shape and timestep share a batch up to the limit, and each gets its own rows", async () => {
      queue.batchLimit = 3;
      const before = clock.runMs;
      try {
        const values = [1, 2, 3, 4, 5, 6, 7].map((i) => [i, i + 0.5, -i]);
        const times = [2, 2, 2, 2, 4, 4, 2];
        const results = await Promise.all(
          values.map((value, i) => queue.enter(lane(1), () => evaluate(value, times[i] ?? 0))),
        );
        assert.deepEqual(
          results,
          values.map((value, i) => value.map((x) => x * (times[i] ?? 0))),
        );
        assert.ok(clock.runMs >= before);
      } finally {
        queue.batchLimit = 1;
      }
    });

    test("a failing run fails its request alone", async () => {
      const order: string[] = [];
      const other = queue.enter(lane(5), steps(1, 5, order));
      await assert.rejects(queue.enter(lane(1), () => network.run({ sample: makeTensor(type, [1], [1, 1]) })));
      await other;
      assert.equal(order.length, 5);
    });
  });
}

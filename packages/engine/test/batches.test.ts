import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { GenerationEvent } from "@atoma/contract";
import sharp from "sharp";
import { readModelFolder } from "../src/index.ts";
import type { Lane } from "../src/network/lane.ts";
import { measureBatches } from "../src/network/measure-batches.ts";
import { type Runner, runQueue } from "../src/network/run-queue.ts";
import { loadPipeline } from "../src/pipeline/load-pipeline.ts";
import { toPictureRequest } from "../src/pipeline/picture-request.ts";
import { together } from "../src/pipeline/together.ts";
import { collect, imagesOf, jobFor, TINY } from "./support.ts";

describe("how many runs share a batch is measured", () => {
  /** A network whose run takes `fixed` and `each` for each picture on a clock that the test turns. */
  function scripted(fixed: number, each: number, most = Number.POSITIVE_INFINITY) {
    let time = 0;
    const network: Runner = {
      run: async () => {
        time += fixed + each;
        return {};
      },
      batchKey: () => "same",
      runTogether: async (feeds) => {
        if (feeds.length > most) throw new Error("out of memory");
        time += fixed + each * feeds.length;
        return feeds.map(() => ({}));
      },
    };
    return measureBatches({ network, feeds: {}, now: () => time });
  }

  test("a provider that gains nothing gets no batches", async () => {
    assert.equal(await scripted(0, 20), 1);
    assert.equal(await scripted(2, 20), 1, "5 % are not worth it");
  });

  test("batches grow as long as each picture gets cheaper by a tenth", async () => {
    assert.equal(await scripted(30, 1), 8);
    assert.equal(await scripted(8, 20), 2);
  });

  test("a batch that memory does not suffice for ends the search", async () => {
    assert.equal(await scripted(30, 1, 2), 2);
  });

  test("a network that is slow by itself is not measured", async () => {
    assert.equal(await scripted(1500, 1), 1);
  });

  test("a network of a fixed batch gets none", async () => {
    assert.equal(await measureBatches({ network: { run: async () => ({}) }, feeds: {}, now: () => 0 }), 1);
  });
});

test("pictures that share batches, of one request or of several, are those that they are alone", async () => {
  const folder = readModelFolder(TINY);
  const queue = runQueue({ now: () => performance.now(), yieldLoop: () => new Promise(setImmediate) });
  const pipeline = await loadPipeline(folder, { threads: 1, queue });
  const draw = (seed: number, n: number): Promise<GenerationEvent[]> => {
    const request = toPictureRequest(jobFor(folder.card, { seed, n, steps: 3 }), () => 0);
    const lane: Lane = { work: n, signal: new AbortController().signal, runMs: 0, waitMs: 0 };
    return queue.enter(lane, () => collect(pipeline.generate(request)));
  };
  const pixels = async (events: readonly GenerationEvent[]) =>
    Promise.all(
      imagesOf(events)
        .toSorted((a, b) => a.index - b.index)
        .map(({ bytes }) => sharp(bytes).raw().toBuffer()),
    );
  try {
    const alone = await Promise.all([10, 11, 12].map(async (seed) => (await pixels(await draw(seed, 1)))[0]));
    queue.batchLimit = 4;
    const [batch = [], beside = []] = await Promise.all([draw(10, 3), draw(12, 1)]);
    assert.equal(batch.filter((event) => event.type === "done").length, 1);
    const shared = [...(await pixels(batch)), ...(await pixels(beside))];
    for (const [i, expected] of [alone[0], alone[1], alone[2], alone[2]].entries()) {
      const actual = shared[i];
      assert.ok(actual && expected);
      const far = actual.filter((value, k) => Math.abs(value - (expected[k] ?? 255)) > 1).length;
      assert.ok(far <= actual.length / 1000, `picture ${i}: ${far} of ${actual.length} values differ`);
    }
  } finally {
    await pipeline.close();
  }
});

describe("generators beside each other", () => {
  async function* count(name: string, to: number, ended: string[]) {
    try {
      for (let i = 0; i < to; i++) {
        await new Promise(setImmediate);
        yield `${name}${i}`;
      }
    } finally {
      ended.push(name);
    }
  }
  const all = async (limit: number, ended: string[] = []) => {
    const items: string[] = [];
    for await (const item of together([count("a", 2, ended), count("b", 2, ended), count("c", 2, ended)], limit))
      items.push(item);
    return items;
  };

  test("one at a time they come after each other", async () => {
    assert.deepEqual(await all(1), ["a0", "a1", "b0", "b1", "c0", "c1"]);
  });

  test("two at a time they mix, and the third begins when one has ended", async () => {
    const items = await all(2);
    assert.deepEqual(items.toSorted(), ["a0", "a1", "b0", "b1", "c0", "c1"]);
    assert.ok(items.indexOf("b0") < items.indexOf("a1") && items.indexOf("a1") < items.indexOf("c0"), `${items}`);
  });

  test("leaving ends those that have begun", async () => {
    const ended: string[] = [];
    for await (const _ of together([count("a", 9, ended), count("b", 9, ended), count("c", 9, ended)], 2)) break;
    assert.deepEqual(ended.toSorted(), ["a", "b"]);
  });
});

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { readModelFolder } from "../src/index.ts";
import type { Lane } from "../src/network/lane.ts";
import { runQueue } from "../src/network/run-queue.ts";
import { loadPipeline } from "../src/pipeline/load-pipeline.ts";
import { toPictureRequest } from "../src/pipeline/picture-request.ts";
import { collect, imagesOf, jobFor } from "./support.ts";

const MODELS = join(import.meta.dirname, "fixtures/models");

describe("image i of a request is that of seed + i: alone, in a request of several, and beside others", () => {
  for (const name of readdirSync(MODELS).toSorted()) {
    test(name, async () => {
      const folder = readModelFolder(join(MODELS, name));
      const queue = runQueue({ now: () => performance.now(), yieldLoop: () => new Promise(setImmediate) });
      const pipeline = await loadPipeline(folder, { threads: 1, queue });
      const { card } = folder;
      const draw = async (seed: number, n = 1) => {
        const body = { seed, n, steps: Math.min(4, card.steps.max), size: card.defaultSize };
        const lane: Lane = { work: n, signal: new AbortController().signal, runMs: 0, waitMs: 0 };
        const request = toPictureRequest(jobFor(card, body), () => 0);
        const images = imagesOf(await queue.enter(lane, () => collect(pipeline.generate(request))));
        return images.map(({ bytes }) => Buffer.from(bytes).toString("base64"));
      };
      try {
        const [alone] = await draw(8);
        const [several, beside] = await Promise.all([draw(7, 2), draw(8), draw(30, 2)]);
        assert.ok(alone);
        assert.equal(several[1], alone, "in a request of two");
        assert.notEqual(several[0], alone);
        assert.equal(beside[0], alone, "beside other requests");
      } finally {
        await pipeline.close();
      }
    });
  }
});

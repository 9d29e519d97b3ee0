import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { readModelFolder } from "../src/folder/read-model-folder.ts";
import { loadPipeline } from "../src/pipeline/load-pipeline.ts";
import { compareCase, readRecord, requestOf, TOLERANCE } from "./reference.ts";
import { collect, imagesOf } from "./support.ts";

const MODELS = join(import.meta.dirname, "fixtures", "models");

/** Of float16 networks, which round in other places from one version of ONNX Runtime to the next. */
const HALF = { conditioning: 4e-3, latents: 4e-3, pixels: 1e-2 };

for (const family of readdirSync(MODELS)) {
  const allowed = family.endsWith("fp16") ? HALF : TOLERANCE;
  describe(`${family} draws what diffusers draws`, () => {
    const record = readRecord(join(MODELS, family));
    for (const one of record.cases) {
      test(one.name, async () => {
        const { conditioning = 0, latents, pixels, steps } = await compareCase(record, one);
        assert.equal(steps[1], steps[0], "evaluations of the network");
        assert.ok(conditioning <= allowed.conditioning, `conditioning differs by ${conditioning}`);
        assert.ok(latents <= allowed.latents, `latents differ by ${latents}`);
        assert.ok(pixels <= allowed.pixels, `${pixels} of the pixels differ`);
      });
    }

    test("picture i of a request is the same alone", async () => {
      const pipeline = await loadPipeline(readModelFolder(record.folder), { threads: 1 });
      for (const mode of ["text", "mask"] as const) {
        const one = record.cases.find((recorded) => recorded.mode === mode);
        if (!one) continue;
        const request = { ...(await requestOf(record, one)), steps: 2, n: 3 };
        const together = imagesOf(await collect(pipeline.generate(request)));
        const alone = imagesOf(await collect(pipeline.generate({ ...request, n: 1, seed: request.seed + 2 })));
        assert.equal(together.length, 3);
        assert.deepEqual(alone[0]?.bytes, together[2]?.bytes, mode);
        assert.notDeepEqual(alone[0]?.bytes, together[1]?.bytes, mode);
      }
      await pipeline.close();
    });
  });
}

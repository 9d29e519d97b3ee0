import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import sharp from "sharp";
import { readModelFolder } from "../src/folder/read-model-folder.ts";
import type { Pixels } from "../src/image/pixels.ts";
import { loadPipeline } from "../src/pipeline/load-pipeline.ts";
import { openComparison, readRecord, requestOf, TOLERANCE } from "./reference.ts";
import { collect, imagesOf } from "./support.ts";

const MODELS = join(import.meta.dirname, "fixtures", "models");

/** Of float16 networks, which round in other places from one version of ONNX Runtime to the next. */
const HALF = { conditioning: 4e-3, latents: 4e-3, pixels: 1e-2 };

for (const family of readdirSync(MODELS)) {
  const allowed = family.endsWith("fp16") ? HALF : TOLERANCE;
  describe(`${family} draws what diffusers draws`, () => {
    const record = readRecord(join(MODELS, family));
    const comparison = openComparison(record);
    after(() => comparison[Symbol.asyncDispose]());
    for (const one of record.cases) {
      test(one.name, async () => {
        const { conditioning = 0, latents, pixels, steps } = await comparison.compare(one);
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

test("a network that paints under masks draws without a picture as with one that is wholly covered", async () => {
  const record = readRecord(join(MODELS, "sd15-inpaint"));
  const [one] = record.cases;
  assert.ok(one);
  const request = await requestOf(record, one);
  const { edit, ...without } = request;
  assert.ok(edit);
  const clear = await sharp(edit.image).ensureAlpha(0).png().toBuffer();
  const pipeline = await loadPipeline(readModelFolder(record.folder), { threads: 1 });
  const draw = async (asked: typeof request) => {
    const made: Pixels[] = [];
    for await (const _ of pipeline.generate(asked, { trace: { pixels: (_, pixels) => void made.push(pixels) } }));
    return made[0]?.data;
  };
  const covered = await draw({ ...request, edit: { ...edit, mask: clear, strength: 1 } });
  assert.deepEqual(await draw(without), covered);
  assert.notDeepEqual(await draw(request), covered);
  await pipeline.close();
});

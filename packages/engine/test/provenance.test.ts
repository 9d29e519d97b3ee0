import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import { readModelFolder } from "../src/folder/read-model-folder.ts";
import { loadPipeline } from "../src/pipeline/load-pipeline.ts";
import type { PictureMetadata } from "../src/pipeline/parameters.ts";
import { readRecord, requestOf } from "./reference.ts";
import { collect, imagesOf } from "./support.ts";

const folder = join(import.meta.dirname, "fixtures", "models", "sd15");
const record = readRecord(folder);

async function draw(
  metadata: PictureMetadata,
  mode: "text" | "image",
  more: Record<string, unknown> = {},
): Promise<Buffer> {
  const one = record.cases.find(
    (recorded) => recorded.mode === mode && (mode === "image" || recorded.negative !== undefined),
  );
  assert.ok(one);
  const pipeline = await loadPipeline(readModelFolder(folder), { threads: 1, metadata });
  const request = { ...(await requestOf(record, one)), n: 1, steps: 2, seed: 5, ...more };
  const [image] = imagesOf(await collect(pipeline.generate(request)));
  await pipeline.close();
  assert.ok(image);
  return Buffer.from(image.bytes);
}

const textOf = (png: Buffer) => /parameters\0([\s\S]*?)[\s\S]{4}\0\0/u.exec(png.toString("latin1"))?.[1] ?? "";

test("a picture's settings are told as A1111 writes them; the prompt only where it is asked for", async () => {
  const told = textOf(await draw("prompt", "text", { scheduler: "dpmpp_2m_karras" }));
  const settings =
    "Steps: 2, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 5, Size: 96x64, Model: sd15";
  assert.ok(
    told.startsWith(`a photo of a red fox in the snow, 35mm\nNegative prompt: blurry, low quality\n${settings}`),
    told,
  );
  const silent = textOf(await draw("provenance", "text"));
  assert.ok(silent.startsWith("Steps: 2, Sampler: PLMS, CFG scale: 7.5, Seed: 5"), silent);
  assert.ok(!silent.includes("fox"));
});

test("an edit says that it is a composite and how strongly it was changed; with none nothing is told", async () => {
  const edited = await draw("provenance", "image");
  assert.match((await sharp(edited).metadata()).xmpAsString ?? "", /compositeWithTrainedAlgorithmicMedia/);
  assert.match(textOf(edited), /Denoising strength: 0\.6, Version: Atoma/);
  const silent = await draw("none", "image");
  assert.equal((await sharp(silent).metadata()).xmp, undefined);
  assert.equal(textOf(silent), "");
});

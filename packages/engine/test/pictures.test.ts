import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import sharp from "sharp";
import { type ModelProcess, startModelProcess } from "../src/index.ts";
import { partialSteps } from "../src/pipeline/partial-steps.ts";
import { collect, imagesOf, jobFor, TINY } from "./support.ts";

let model: ModelProcess;
before(async () => {
  model = startModelProcess({ path: TINY });
  await model.ready;
});
after(() => model.close());

const events = (body?: Record<string, unknown>) => collect(model.generate(jobFor(model.folder.card, body)));
const pictures = async (body?: Record<string, unknown>) => imagesOf(await events(body));
const picture = async (body?: Record<string, unknown>) => {
  const [image] = await pictures(body);
  assert.ok(image);
  return image;
};

test("a job gives progress for each step, its pictures, and the usage", async () => {
  const all = await events({ n: 2, steps: 3, seed: 5 });
  // Where a batch gains, pictures are made beside each other; each has its own order.
  for (const index of [0, 1]) {
    const steps = all.flatMap((event) => (event.type === "progress" && event.index === index ? [event.step] : []));
    assert.deepEqual(steps, [1, 2, 3]);
  }
  assert.deepEqual([all.length, imagesOf(all).length], [9, 2]);
  const done = all.at(-1);
  assert.ok(done?.type === "done");
  assert.deepEqual(done.usage, {
    total_tokens: 7 + 512,
    input_tokens: 7,
    output_tokens: 512,
    input_tokens_details: { text_tokens: 7, image_tokens: 0 },
    output_tokens_details: { text_tokens: 0, image_tokens: 512 },
  });
});

for (const size of ["1024x1024", "512x512", "256x256", "640x384", "512x768"]) {
  test(`${size} is exactly ${size}`, async () => {
    const { bytes, width, height } = await picture({ size });
    const { width: w, height: h, format } = await sharp(bytes).metadata();
    assert.equal(format, "png");
    assert.equal(`${w}x${h}`, size);
    assert.equal(`${width}x${height}`, size);
  });
}

for (const [format, quality] of [
  ["jpeg", 20],
  ["webp", 20],
] as const) {
  test(`${format} is ${format}, and its compression counts`, async () => {
    const small = await picture({ output_format: format, output_compression: quality, seed: 1 });
    const large = await picture({ output_format: format, seed: 1 });
    assert.equal((await sharp(small.bytes).metadata()).format, format);
    assert.equal(small.format, format);
    assert.ok(small.bytes.length < large.bytes.length, `${small.bytes.length} < ${large.bytes.length}`);
    assert.ok((await picture({ output_format: format, output_compression: 0 })).bytes.length > 0);
  });
}

test("the same seed gives the same bytes, another seed others", async () => {
  const first = await picture({ seed: 11 });
  assert.equal(first.seed, 11);
  assert.deepEqual((await picture({ seed: 11 })).bytes, first.bytes);
  assert.notDeepEqual((await picture({ seed: 12 })).bytes, first.bytes);
});

test("without a seed every picture is different, and its seed makes it again", async () => {
  const [a, b] = [await picture(), await picture()];
  assert.ok(a.seed !== undefined && b.seed !== undefined);
  assert.notEqual(a.seed, b.seed);
  assert.notDeepEqual(a.bytes, b.bytes);
  assert.deepEqual((await picture({ seed: a.seed })).bytes, a.bytes);
});

test("picture i of a batch is the picture of seed + i, across the end of the seeds", async () => {
  const last = 2 ** 32 - 1;
  const batch = await pictures({ n: 3, seed: last - 1 });
  assert.deepEqual(new Set(batch.map((image) => image.seed)), new Set([last - 1, last, 0]));
  for (const image of batch) assert.deepEqual((await picture({ seed: image.seed })).bytes, image.bytes);
});

test("prompt, negative prompt and guidance change the picture; at guidance 1 the negative prompt does not", async () => {
  const seed = 3;
  const bytes = async (body: Record<string, unknown>) =>
    (await picture({ seed, output_format: "webp", ...body })).bytes;
  const plain = await bytes({});
  assert.notDeepEqual(await bytes({ prompt: "a yellow star" }), plain);
  assert.notDeepEqual(await bytes({ negative_prompt: "a yellow star" }), plain);
  const unguided = await bytes({ guidance_scale: 1 });
  assert.notDeepEqual(unguided, plain);
  assert.deepEqual(await bytes({ guidance_scale: 1, negative_prompt: "a yellow star" }), unguided);
});

test("a PNG tells how it was made, but not from which prompt", async () => {
  const text = Buffer.from((await picture({ seed: 21, prompt: "zebra" })).bytes).toString("latin1");
  assert.match(text, /parameters\0Steps: 2, Sampler: Euler, CFG scale: [0-9.]+, Seed: 21, Size: 256x256, Model: /);
  assert.ok(!text.includes("zebra"));
});

test("previews are pictures of the requested size and format, and never more than asked for", async () => {
  const all = await events({ size: "512x512", steps: 6, n: 2, stream: true, partial_images: 2, output_format: "jpeg" });
  const partials = all.filter((event) => event.type === "partial");
  for (const picture of [0, 1]) {
    const its = partials.filter(({ index }) => index === picture);
    assert.deepEqual(
      its.map(({ partial }) => partial),
      [0, 1],
    );
  }
  for (const { bytes } of partials) {
    const { format, width, height } = await sharp(bytes).metadata();
    assert.deepEqual([format, width, height], ["jpeg", 512, 512]);
  }
  assert.equal(all.filter((event) => event.type === "image").length, 2);
});

test("previews do not change the picture", async () => {
  const plain = await picture({ seed: 4, steps: 4 });
  assert.deepEqual((await picture({ seed: 4, steps: 4, stream: true, partial_images: 3 })).bytes, plain.bytes);
});

test("previews are spread evenly and never follow the last step", () => {
  assert.deepEqual(partialSteps(16, 3), [4, 8, 12]);
  assert.deepEqual(partialSteps(16, 1), [8]);
  assert.deepEqual(partialSteps(10, 0), []);
  assert.deepEqual(partialSteps(1, 3), []);
  for (let steps = 1; steps < 30; steps++) {
    for (let count = 0; count <= 3; count++) {
      const after = partialSteps(steps, count);
      assert.equal(new Set(after).size, Math.min(count, steps - 1));
      assert.ok(after.every((step) => step >= 1 && step < steps));
    }
  }
});

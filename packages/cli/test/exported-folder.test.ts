import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { AtomaSDK } from "atoma-sdk";
import sharp from "sharp";
import { openStudioOf } from "./support/studio.ts";
import { root } from "./support/up.ts";

const MODELS = join(root, "packages/engine/test/fixtures/models");
const studio = await openStudioOf(await mkdtemp(join(tmpdir(), "atoma-exported-")), [
  { path: join(MODELS, "sdxl") },
  { path: join(MODELS, "flux-schnell") },
]);
after(() => studio[Symbol.asyncDispose]());
const sdk = new AtomaSDK({ bearerAuth: studio.key, serverURL: studio.gateway.url });
const PROMPT = "a photo of a red fox in the snow";

test("a folder straight from the exporter draws through gateway and SDK, with no file added", async () => {
  for (const [model, side] of [
    ["sdxl", 64],
    ["flux-schnell", 256],
  ] as const) {
    const answer = await sdk.images.generate({ model, prompt: PROMPT, steps: 1, seed: 5, size: `${side}x${side}` });
    const bytes = await answer.data[0]?.bytes();
    const { width, height, format } = await sharp(bytes).metadata();
    assert.deepEqual([format, width, height], ["png", side, side], model);
    assert.equal(answer.notes, undefined, "there is nothing to say of this prompt");
  }
});

test("a request chooses among the schedulers that the card allows; others are refused with their names", async () => {
  const draw = (scheduler: string) =>
    sdk.images.generate({ model: "sdxl", prompt: PROMPT, steps: 3, seed: 5, scheduler });
  const [euler, dpm] = [await draw("euler"), await draw("dpmpp_2m_karras")];
  assert.ok(euler.data[0] && dpm.data[0]);
  assert.notDeepEqual(await euler.data[0].bytes(), await dpm.data[0].bytes());
  const own = await sdk.images.generate({ model: "sdxl", prompt: PROMPT, steps: 3, seed: 5 });
  const pixels = async (bytes: Uint8Array | undefined) => sharp(bytes).raw().toBuffer();
  assert.deepEqual(
    await pixels(await own.data[0]?.bytes()),
    await pixels(await euler.data[0].bytes()),
    "its own is Euler",
  );
  await assert.rejects(draw("heun"), /Invalid value: 'heun'. Supported values are: 'ddim', 'dpmpp_2m'/);
  await assert.rejects(
    sdk.images.generate({ model: "flux-schnell", prompt: PROMPT, scheduler: "euler" }),
    /The model 'flux-schnell' does not support 'scheduler'/,
  );
});

test("guidance above what a model bears is refused", async () => {
  const asked = { model: "flux-schnell", prompt: PROMPT, guidanceScale: 3 };
  await assert.rejects(sdk.images.generate(asked), /Invalid 'guidance_scale': .* Expected a value <= 1, but got 3/);
});

test("the end of a prompt that the model does not read is named, in JSON and in a stream", async () => {
  const long = {
    model: "sdxl",
    prompt: `${PROMPT}, ${"a green table, ".repeat(30)} and last of all a lighthouse`,
    steps: 1,
  };
  const { notes } = await sdk.images.generate(long);
  assert.match(notes?.truncatedPrompt ?? "", /and last of all a lighthouse$/);
  assert.doesNotMatch(notes?.truncatedPrompt ?? "", /fox/, "what was read is not in it");
  const streamed: unknown[] = [];
  for await (const event of await sdk.images.generateStream(long)) {
    if (event.type === "image_generation.completed") streamed.push(event.notes);
  }
  assert.deepEqual(streamed, [notes]);

  const response = await fetch(`${studio.nodeUrl}/v1/images/generations`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: long.model, prompt: `${long.prompt} 日本`, steps: 1 }),
  });
  // The node's own answer has them in the wire's names.
  const body = (await response.json()) as { notes?: { truncated_prompt?: string } };
  assert.match(body.notes?.truncated_prompt ?? "", /lighthouse 日本$/);
});

test("an idempotency key's answer has the notes again", async () => {
  const long = { model: "sdxl", prompt: `${"a green table, ".repeat(40)} a lighthouse`, steps: 1 };
  const request = () =>
    fetch(`${studio.gateway.url}/v1/images/generations`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${studio.key}`,
        "idempotency-key": "notes",
      },
      body: JSON.stringify(long),
    }).then((response) => response.json() as Promise<{ notes?: unknown }>);
  const first = await request();
  assert.ok(first.notes);
  assert.deepEqual((await request()).notes, first.notes);
});

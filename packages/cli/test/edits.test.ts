import assert from "node:assert/strict";
import { after, test } from "node:test";
import { deflateSync } from "node:zlib";
import { AtomaSDK } from "atoma-sdk";
import OpenAI, { toFile } from "openai";
import sharp from "sharp";
import { disc, distance, GREEN, maskOf, pixelAt, RED, rasterOf, WHITE, YELLOW } from "./support/pictures.ts";
import { MODEL, openStudio, PLAIN_MODEL } from "./support/studio.ts";

const studio = await openStudio();
after(() => studio[Symbol.asyncDispose]());
const { url } = studio.gateway;
const openai = new OpenAI({ apiKey: studio.key, baseURL: `${url}/v1`, maxRetries: 0 });

const BLUE_DISC = "a blue circle on a white background";
const redDisc = await disc(RED, WHITE).png().toBuffer();
const file = (bytes: Uint8Array, name = "in.png", type = "image/png") => toFile(bytes, name, { type });
const middle = 128;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: bodies are asserted field by field
  readonly json: any;
}

async function post(body: FormData | string, headers: Record<string, string> = {}, to = url): Promise<Answer> {
  const authorization = `Bearer ${studio.key}`;
  const response = await fetch(`${to}/v1/images/edits`, {
    method: "POST",
    body,
    headers: { authorization, ...headers },
  });
  return { status: response.status, headers: response.headers, json: await response.json() };
}

type Value = string | Uint8Array | readonly Uint8Array[];
/** A form of an edit of the red disc, quick unless it says otherwise. */
function form(fields: Readonly<Record<string, Value>> = {}): FormData {
  const data = new FormData();
  const all: Readonly<Record<string, Value>> = {
    model: MODEL,
    prompt: BLUE_DISC,
    image: redDisc,
    steps: "5",
    ...fields,
  };
  for (const [name, value] of Object.entries(all)) {
    if (typeof value === "string") data.append(name, value);
    else
      for (const bytes of value instanceof Uint8Array ? [value] : value)
        data.append(name, new Blob([new Uint8Array(bytes)]), "f");
  }
  return data;
}

const pictureOf = ({ json }: Answer, i = 0) => Buffer.from(json.data[i].b64_json, "base64");

test("S-126 openai: a picture is changed as the prompt says, and what it shows otherwise stays", async () => {
  const before = await studio.available();
  const { data, size, usage } = await openai.images.edit({
    model: MODEL,
    image: await file(redDisc),
    prompt: BLUE_DISC,
    ...{ seed: 7 },
  });
  assert.equal(size, "256x256", "the picture's own size");
  const made = await rasterOf(Buffer.from(data?.[0]?.b64_json ?? "", "base64"));
  assert.deepEqual([made.width, made.height], [256, 256]);
  const [red, , blue] = pixelAt(made, middle, middle);
  assert.ok(blue > red + 60, `the middle is blue: ${pixelAt(made, middle, middle)}`);
  for (const corner of [8, 247])
    assert.ok(distance(pixelAt(made, corner, corner), WHITE) < 40, "the ground stays white");
  assert.equal(usage?.input_tokens_details?.image_tokens, 256);
  assert.equal(usage?.total_tokens, (usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0));
  assert.deepEqual([before - (await studio.available()), await studio.pending()], [256 * 256, 0]);
});

test("S-126 a mask: what is opaque in it stays, pixel by pixel; what is transparent is painted anew", async () => {
  const image = await disc(RED, YELLOW, 640, 384).png().toBuffer();
  const mask = await maskOf(180, 52, 460, 332, 640, 384).png().toBuffer();
  const { data } = await openai.images.edit({
    model: MODEL,
    image: await file(image),
    mask: await file(mask),
    prompt: "a green square on a yellow background",
    ...{ seed: 3 },
  });
  const [was, made] = [await rasterOf(image), await rasterOf(Buffer.from(data?.[0]?.b64_json ?? "", "base64"))];
  assert.deepEqual([made.width, made.height], [640, 384]);
  let changed = 0;
  for (let y = 0; y < 384; y++) {
    for (let x = 0; x < 640; x++) {
      const inside = x >= 180 && x < 460 && y >= 52 && y < 332;
      const difference = distance(pixelAt(was, x, y), pixelAt(made, x, y));
      if (!inside) assert.equal(difference, 0, `${x},${y} is outside the mask`);
      else if (difference > 60) changed++;
    }
  }
  assert.ok(changed > 12_000, `${changed} pixels inside the mask have changed`);
  assert.ok(distance(pixelAt(made, 320, 192), GREEN) < 80, `${pixelAt(made, 320, 192)} is green`);
});

test("S-009 S-126 the same seed gives the same bytes, in both encodings, and for the node alone", async () => {
  const options = { seed: 5, steps: 4, n: 2 };
  const asForm = await post(form({ seed: "5", steps: "4", n: "2" }));
  assert.equal(asForm.status, 200, JSON.stringify(asForm.json).slice(0, 300));
  const dataUrl = `data:image/png;base64,${redDisc.toString("base64")}`;
  const json = JSON.stringify({ model: MODEL, prompt: BLUE_DISC, images: [{ image_url: dataUrl }], ...options });
  const asJson = await post(json, { "content-type": "application/json" });
  const alone = await post(form({ seed: "5", steps: "4", n: "2" }), {}, studio.nodeUrl);
  for (const i of [0, 1]) {
    assert.equal(asForm.json.data[i].seed, 5 + i);
    assert.deepEqual(pictureOf(asJson, i), pictureOf(asForm, i));
    assert.deepEqual(pictureOf(alone, i), pictureOf(asForm, i));
  }
  assert.notDeepEqual(pictureOf(asForm, 0), pictureOf(asForm, 1));
});

test("input_fidelity high keeps closer to the picture than low", async () => {
  const was = await rasterOf(redDisc);
  const farOff = async (fidelity: string) => {
    const made = await rasterOf(pictureOf(await post(form({ seed: "7", steps: "16", input_fidelity: fidelity }))));
    return made.data.reduce((sum, value, i) => sum + Math.abs(value - (was.data[i] ?? 0)), 0);
  };
  assert.ok((await farOff("high")) < (await farOff("low")));
});

test("S-100 openai: a stream of an edit, its events named after edits", async () => {
  const stream = await openai.images.edit({
    model: MODEL,
    image: await file(redDisc),
    prompt: BLUE_DISC,
    stream: true,
    partial_images: 2,
  });
  const types: string[] = [];
  for await (const event of stream) {
    types.push(event.type);
    assert.equal((await sharp(Buffer.from(event.b64_json, "base64")).metadata()).format, "png");
  }
  assert.deepEqual(types, ["image_edit.partial_image", "image_edit.partial_image", "image_edit.completed"]);
  const alone = await fetch(`${studio.nodeUrl}/v1/images/edits`, { method: "POST", body: form({ stream: "true" }) });
  assert.match(await alone.text(), /^event: image_edit\.completed\n/m);
});

test("S-092 S-093 the same form sent twice under one key is one picture and one charge, though its boundary differs", async () => {
  const before = await studio.available();
  const key = { "idempotency-key": "one-edit" };
  const [first, second] = [await post(form(), key), await post(form(), key)];
  assert.deepEqual([first.status, second.status], [200, 200]);
  assert.equal(second.headers.get("idempotent-replayed"), "true");
  assert.deepEqual(pictureOf(second), pictureOf(first));
  assert.equal(before - (await studio.available()), 256 * 256);
  const other = await post(form({ image: await disc(GREEN, WHITE).png().toBuffer() }), key);
  assert.deepEqual([other.status, other.json.error.code], [422, "idempotency_key_reused"]);
});

test("atoma-sdk: a file and a mask", async () => {
  const sdk = new AtomaSDK({ bearerAuth: studio.key, serverURL: url });
  const image = new Uint8Array(redDisc);
  const mask = new Uint8Array(await maskOf(40, 40, 216, 216).png().toBuffer());
  const { data } = await sdk.images.edit({ model: MODEL, prompt: "a green star", image, mask, steps: 4 });
  const made = await rasterOf(Buffer.from(data[0]?.b64Json ?? "", "base64"));
  assert.deepEqual(pixelAt(made, 10, 10), WHITE);
});

test("S-014 JPEG and WebP, at a size that is asked for, and at the model's own where the picture's is none of its sizes", async () => {
  const webp = await disc(RED, WHITE, 400, 240).webp().toBuffer();
  const jpeg = await disc(RED, WHITE, 401, 240).jpeg().toBuffer();
  for (const [image, fields, size] of [
    [webp, { size: "320x320" }, "320x320"],
    [webp, {}, "400x240"],
    [jpeg, {}, "512x512"],
  ] as const) {
    const answer = await post(form({ image, steps: "2", ...fields }));
    const { width, height } = await rasterOf(pictureOf(answer));
    assert.deepEqual([answer.json.size, `${width}x${height}`], [size, size]);
  }
});

async function refused(
  fields: Readonly<Record<string, Value>>,
  param: string | null,
  code: string,
  to?: string,
): Promise<void> {
  const { status, json } = await post(form(fields), {}, to);
  assert.deepEqual([status, json.error.param, json.error.code], [400, param, code], JSON.stringify(json));
}

/** A PNG with right headers and chunks whose pixels are not there. */
function hollowPng(): Buffer {
  const png = Buffer.from(redDisc);
  const data = png.indexOf("IDAT") + 4;
  deflateSync(Buffer.alloc(16)).copy(png, data);
  return png;
}

test("S-057 S-126 S-129 what cannot be is refused with 400 by gateway and node, costs nothing and harms nothing", async () => {
  const before = await studio.available();
  const pids = studio.modelPids();
  const small = await disc(RED, WHITE, 128).png().toBuffer();
  const animated = await sharp([redDisc, await disc(GREEN, WHITE).png().toBuffer()], { join: { animated: true } })
    .webp({ loop: 0 })
    .toBuffer();
  assert.equal((await sharp(animated, { pages: -1 }).metadata()).pages, 2);
  const opaqueMask = await sharp(small).resize(256).removeAlpha().png().toBuffer();
  for (const to of [url, studio.nodeUrl]) {
    await refused({ model: PLAIN_MODEL }, "model", "invalid_value", to);
    await refused({ mask: await maskOf(0, 0, 64, 64, 128).png().toBuffer() }, "mask", "invalid_value", to);
    await refused({ mask: opaqueMask }, "mask", "invalid_image_file", to);
    await refused({ image: animated }, "image", "invalid_image_file", to);
    await refused({ image: hollowPng() }, "image", "invalid_image_file", to);
    await refused({ image: Buffer.from("GIF89a") }, "image", "invalid_image_file", to);
    const { image: _image, ...two } = { image: "", "image[]": [redDisc, small] };
    const body = form(two);
    body.delete("image");
    const { status, json } = await post(body, {}, to);
    assert.deepEqual([status, json.error.param, json.error.code], [400, "image", "array_above_max_length"]);
  }
  assert.deepEqual([await studio.available(), await studio.pending()], [before, 0]);
  assert.deepEqual(studio.modelPids(), pids, "no model process has died");
  assert.equal((await post(form())).status, 200);
});

test("S-077 who leaves an edit stops it, and pays nothing", async () => {
  const before = await studio.available();
  const leaving = new AbortController();
  const body = form({ n: "10", steps: "100" });
  const headers = { authorization: `Bearer ${studio.key}`, accept: "text/event-stream; progress=1" };
  body.set("stream", "true");
  const response = await fetch(`${url}/v1/images/edits`, { method: "POST", body, headers, signal: leaving.signal });
  const reader = response.body?.getReader();
  const first = await reader?.read();
  assert.match(Buffer.from(first?.value ?? []).toString(), /image_edit\.progress|keep-alive/);
  leaving.abort();
  await reader?.read().catch(() => {});
  assert.equal((await post(form())).status, 200, "the model is free for the next");
  assert.equal(before - (await studio.available()), 256 * 256);
});

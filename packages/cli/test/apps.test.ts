import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import OpenAI, { toFile } from "openai";
import sharp from "sharp";
import { disc, RED, WHITE } from "./support/pictures.ts";
import { MODEL, openStudioOf, type Studio } from "./support/studio.ts";
import { root } from "./support/up.ts";

// What applications send, as their sources build it (read in the repositories that docs/api.md names), against a gateway with a
// real node. Each answer is read as the application reads it.

const models = [{ path: join(root, "models/tiny") }];
const aliases = { "gpt-image-1": MODEL, "dall-e-3": MODEL, "dall-e-2": MODEL, Default: MODEL };
const open = async (unknownFields: "reject" | "ignore") =>
  openStudioOf(await mkdtemp(join(tmpdir(), "atoma-apps-")), models, { modelAliases: aliases, unknownFields });
const strict = await open("reject");
const lenient = await open("ignore");
after(() => Promise.all([strict[Symbol.asyncDispose](), lenient[Symbol.asyncDispose]()]));

const picture = await disc(RED, WHITE).png().toBuffer();
const prompt = "a blue circle on a white background";

interface Answer {
  readonly created: number;
  readonly data: readonly { readonly url?: string; readonly b64_json?: string }[];
  readonly usage?: { readonly total_tokens: number; readonly input_tokens_details: { readonly text_tokens: number } };
}

async function post(
  { gateway, key }: Studio,
  path: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(gateway.url + path, {
    method: "POST",
    body: typeof body === "string" ? body : new Uint8Array(body),
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}

/** A part of a form as an application's library writes it. */
interface Part {
  readonly head: string;
  readonly value: string | Uint8Array;
}

function formOf(parts: readonly Part[], boundary: string): { body: Buffer; headers: Record<string, string> } {
  const pieces = parts.flatMap(({ head, value }) => [
    Buffer.from(`--${boundary}\r\n${head}\r\n\r\n`),
    Buffer.from(value),
    Buffer.from("\r\n"),
  ]);
  const body = Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
  return { body, headers: { "content-type": `multipart/form-data; boundary=${boundary}` } };
}

const fileHead = (name: string, fileName: string, type = "image/png") =>
  `Content-Disposition: form-data; name="${name}"; filename="${fileName}"\r\nContent-Type: ${type}`;

async function sizeOfPicture(bytes: Uint8Array): Promise<string> {
  const { format, width, height } = await sharp(bytes).metadata();
  return `${format} ${width}x${height}`;
}

const decoded = (base64: string | undefined) => Buffer.from(base64 ?? assert.fail("no base64"), "base64");

/** A picture fetched as an application does that has only its URL. */
async function fetched(url: string | undefined): Promise<Uint8Array> {
  const response = await fetch(url ?? assert.fail("no url"));
  assert.match(response.headers.get("content-type") ?? "", /^image\//);
  return new Uint8Array(await response.arrayBuffer());
}

test("Open WebUI: a generation, whose answer it takes by the url where there is one, and an edit by aiohttp", async () => {
  const chat = { model: "dall-e-3", prompt, n: 1, size: "512x512", response_format: "b64_json" };
  const [made] = (await post(strict, "/v1/images/generations?api-version=2024", JSON.stringify(chat))).data;
  assert.equal(made?.url, undefined);
  assert.equal(await sizeOfPicture(decoded(made?.b64_json)), "png 512x512");
  // For names like this one it asks for no format.
  const plain = { model: "gpt-image-1", prompt, n: 1, size: "256x256" };
  const [both] = (await post(strict, "/v1/images/generations", JSON.stringify(plain))).data;
  assert.equal(await sizeOfPicture(await fetched(both?.url)), "png 256x256");

  const text = (name: string, value: string) => ({
    head: `Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name="${name}"`,
    value,
  });
  const file = {
    head: `Content-Type: image/png\r\nContent-Disposition: form-data; name="image"; filename="a.png"`,
    value: picture,
  };
  const fields = [
    text("model", "dall-e-2"),
    text("prompt", prompt),
    text("n", "1"),
    text("response_format", "b64_json"),
  ];
  const { body, headers } = formOf([...fields, file], "0123456789abcdef0123456789abcdef");
  const [edited] = (await post(strict, "/v1/images/edits", body, headers)).data;
  assert.equal(await sizeOfPicture(decoded(edited?.b64_json)), "png 256x256");
});

test("LibreChat: a generation by openai's client, an edit by axios, both as Azure's clients sign them, too", async () => {
  for (const azure of [false, true]) {
    const { key, gateway } = strict;
    const client = new OpenAI({
      apiKey: key,
      baseURL: `${gateway.url}/v1/`,
      ...(azure && { defaultQuery: { "api-version": "2025-04-01-preview" }, defaultHeaders: { "api-key": key } }),
    });
    const { data } = await client.images.generate({
      model: "gpt-image-1",
      prompt,
      n: 1,
      background: "auto",
      output_format: "webp",
      output_compression: 100,
      quality: "auto",
      size: "auto",
    });
    assert.match(await sizeOfPicture(decoded(data?.[0]?.b64_json)), /^webp /);

    const text = (name: string, value: string) => ({ head: `Content-Disposition: form-data; name="${name}"`, value });
    const fields = { model: "gpt-image-1", prompt, quality: "auto", size: "auto" };
    const parts = Object.entries(fields).map(([name, value]) => text(name, value));
    const file = { head: fileHead("image[]", "img-1.png"), value: picture };
    const form = formOf([...parts, file], "--------------------------084612035412368451932077");
    const sign: Record<string, string> = azure ? { "api-key": key } : { authorization: `Bearer ${key}` };
    const response = await fetch(`${gateway.url}/v1/images/edits${azure ? "?api-version=2025-04-01-preview" : ""}`, {
      method: "POST",
      body: new Uint8Array(form.body),
      headers: { ...form.headers, ...sign, accept: "application/json, text/plain, */*", "user-agent": "axios/1.12.1" },
    });
    const answer = (await response.json()) as Answer;
    assert.equal(response.status, 200, JSON.stringify(answer));
    assert.match(await sizeOfPicture(decoded(answer.data[0]?.b64_json)), /^png /);
  }
});

test("LobeChat, with unknown_fields = ignore: its own parameters go along in the body and in the form", async () => {
  const { key, gateway } = lenient;
  const client = new OpenAI({ apiKey: key, baseURL: `${gateway.url}/v1` });
  // It hands on all that its page has, which openai's types do not know.
  const generation = {
    model: "dall-e-3",
    n: 1,
    response_format: "b64_json",
    prompt,
    aspectRatio: "1:1",
    cfg: 2.5,
    seed: 7,
    steps: 8,
  };
  const { data } = await client.images.generate(generation as OpenAI.Images.ImageGenerateParamsNonStreaming);
  assert.match(await sizeOfPicture(decoded(data?.[0]?.b64_json)), /^png /);
  const image = await toFile(picture, "image.png", { type: "image/png" });
  const edit = { model: "gpt-image-1", n: 1, input_fidelity: "high", prompt, image, aspectRatio: "1:1" } as const;
  const answer = await client.images.edit(edit as OpenAI.Images.ImageEditParamsNonStreaming);
  assert.equal(await sizeOfPicture(decoded(answer.data?.[0]?.b64_json)), "png 256x256");
  assert.ok((answer.usage?.total_tokens ?? 0) > 0);
});

test("n8n: a generation in base64 or by url, and an edit with every option of its form", async () => {
  const options = { quality: "standard", size: "1024x1024", style: "natural" };
  const body = { prompt, model: "dall-e-3", response_format: "url", ...options };
  const [byUrl] = (await post(strict, "/v1/images/generations", JSON.stringify(body))).data;
  assert.equal(await sizeOfPicture(await fetched(byUrl?.url)), "png 1024x1024");
  const gpt = { prompt, model: "gpt-image-1", n: 2, quality: "medium", size: "1024x1024" };
  assert.equal((await post(strict, "/v1/images/generations", JSON.stringify(gpt))).data.length, 2);

  const text = (name: string, value: string) => ({ head: `Content-Disposition: form-data; name="${name}"`, value });
  const fields = {
    prompt,
    model: "gpt-image-1",
    n: "1",
    size: "1024x1024",
    user: "workflow-7",
    background: "auto",
    input_fidelity: "high",
    output_format: "jpeg",
    output_compression: "80",
    quality: "auto",
  };
  const file = { head: fileHead("image[]", "data.png"), value: picture };
  const parts = [file, ...Object.entries(fields).map(([name, value]) => text(name, value))];
  const { body: form, headers } = formOf(parts, "--------------------------650712345678901234567890");
  const [edited] = (await post(strict, "/v1/images/edits", form, headers)).data;
  assert.equal(await sizeOfPicture(decoded(edited?.b64_json)), "jpeg 1024x1024");
});

/** What openai's Python client sends besides the key. */
const PYTHON = {
  accept: "application/json",
  "user-agent": "OpenAI/Python 2.8.1",
  "x-stainless-lang": "python",
  "x-stainless-package-version": "2.8.1",
  "x-stainless-async": "false",
  "x-stainless-retry-count": "0",
  "x-stainless-read-timeout": "600",
};

test("Dify: its tool sends what differs from the defaults and reads base64 and usage; its base URL gets a /v1 of its own", async () => {
  const body = { model: "gpt-image-1", prompt, quality: "high", output_format: "webp", output_compression: 70, n: 1 };
  const { data, usage } = await post(strict, "/v1/images/generations", JSON.stringify(body), PYTHON);
  assert.match(await sizeOfPicture(decoded(data[0]?.b64_json)), /^webp /);
  assert.ok(Number.isInteger(usage?.total_tokens) && Number.isInteger(usage?.input_tokens_details.text_tokens));
  // With a base URL that ends in /v1 already it asks here, and shows the message.
  const { gateway, key } = strict;
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const wrong = await fetch(`${gateway.url}/v1/v1/images/generations`, { method: "POST", headers, body: "{}" });
  const { error } = (await wrong.json()) as { error: { message: string } };
  assert.deepEqual([wrong.status, /\/v1\/images\/generations$/.test(error.message)], [404, true]);
});

test("Nextcloud: its integration sends four fields and takes the url or the base64", async () => {
  const body = { prompt, size: "1024x1024", n: 1, model: "Default" };
  const { data } = await post(strict, "/v1/images/generations", JSON.stringify(body), {
    "user-agent": "Nextcloud OpenAI/LocalAI integration",
  });
  assert.deepEqual(Buffer.from(await fetched(data[0]?.url)), decoded(data[0]?.b64_json));
  const listed = await fetch(`${strict.gateway.url}/v1/models`, { headers: { authorization: `Bearer ${strict.key}` } });
  const { data: names } = (await listed.json()) as { data: { id: string }[] };
  assert.ok(names.some(({ id }) => id === "Default"));
});

test("LangChain: DallEAPIWrapper in Python and JavaScript", async () => {
  const python = { model: "dall-e-3", prompt, n: 1, size: "1024x1024", quality: "standard" };
  const [first] = (await post(strict, "/v1/images/generations", JSON.stringify(python), PYTHON)).data;
  assert.ok(first?.url);
  const script = {
    model: "dall-e-3",
    prompt,
    n: 1,
    size: "1024x1024",
    response_format: "url",
    style: "vivid",
    quality: "standard",
  };
  const [second] = (await post(strict, "/v1/images/generations", JSON.stringify(script))).data;
  assert.equal(await sizeOfPicture(await fetched(second?.url)), "png 1024x1024");
});

test("LiteLLM: as a client and as a proxy in front, generations with null for what is left out, and an edit by httpx", async () => {
  const body = {
    model: MODEL,
    prompt,
    n: 1,
    quality: null,
    response_format: null,
    size: "256x256",
    style: null,
    user: null,
  };
  const headers = { ...PYTHON, "user-agent": "AsyncOpenAI/Python 2.8.1", "x-stainless-async": "async:asyncio" };
  const { data, created } = await post(strict, "/v1/images/generations", JSON.stringify(body), headers);
  assert.ok(Number.isInteger(created) && data[0]?.b64_json && data[0].url);
  const text = (name: string, value: string) => ({ head: `Content-Disposition: form-data; name="${name}"`, value });
  const parts = [
    text("model", MODEL),
    text("prompt", prompt),
    text("n", "1"),
    text("stream", "False"),
    text("size", ""),
  ];
  const file = { head: fileHead("image", "image.png"), value: picture };
  const form = formOf([...parts, file], "b1d5f2a7e8c94c0f9b3a6d7e1f203344");
  const [edited] = (await post(strict, "/v1/images/edits", form.body, form.headers)).data;
  assert.equal(await sizeOfPicture(decoded(edited?.b64_json)), "png 256x256");
});

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { imagesGenerate } from "../src/funcs/imagesGenerate.ts";
import { APIError, RequestTimeoutError, SDKValidationError } from "../src/models/errors/index.ts";
import { ANSWER, core, generate, KEY, PNG, successOf } from "./support/calls.ts";
import { manualClock } from "./support/manual-clock.ts";
import { json, serve } from "./support/server.ts";

test("pictures as bytes, blob, data URL and file, from base64 and from a URL alike", async (t) => {
  const bytes = Buffer.from(PNG, "base64");
  const server = await serve(t, (response, { url }) => {
    if (url === "/pic") return response.writeHead(200, { "content-type": "image/png" }).end(bytes);
    json(response, { created: 1, data: [{ b64_json: PNG }, { url: "/pic" }, { url: `data:image/png;base64,${PNG}` }] });
  });
  const folder = await mkdtemp(join(tmpdir(), "atoma-sdk-"));
  t.after(() => rm(folder, { recursive: true }));
  const { data } = successOf(await generate(server));
  for (const image of data) {
    assert.deepEqual(Buffer.from(await image.bytes()), bytes);
    const blob = await image.blob();
    assert.deepEqual([blob.size, blob.type], [70, "image/png"]);
    assert.equal(image.mediaType, "image/png");
    assert.equal(await image.dataUrl(), `data:image/png;base64,${PNG}`);
    await image.save(join(folder, "a.png"));
    assert.deepEqual(await readFile(join(folder, "a.png")), bytes);
  }
  const downloads = server.seen.filter(({ url }) => url === "/pic");
  assert.equal(downloads.length, 1, "a picture is fetched once");
  assert.equal(downloads[0]?.headers.authorization, `Bearer ${KEY}`);
});

test("the key does not go to another origin with the download of a picture", async (t) => {
  const files = await serve(t, (response) => response.end(Buffer.from(PNG, "base64")));
  const server = await serve(t, (response) => json(response, { created: 1, data: [{ url: `${files.url}/a` }] }));
  const [image] = successOf(await generate(server)).data;
  await image?.bytes();
  assert.equal(files.seen[0]?.headers.authorization, undefined);
});

test("a download that fails throws, and can be tried again", async (t) => {
  const server = await serve(t, (response, { url }, i) => {
    if (url !== "/pic") return json(response, { created: 1, data: [{ url: "/pic" }] });
    if (i === 1) return json(response, { error: { code: "file_expired", message: "gone" } }, 410);
    response.end(Buffer.from(PNG, "base64"));
  });
  const [image] = successOf(await generate(server)).data;
  await assert.rejects(async () => image?.bytes(), { name: "APIError", statusCode: 410, code: "file_expired" });
  assert.equal((await image?.bytes())?.length, 70);
});

test("base64 that is none is a validation error, however short or long it is", async (t) => {
  const none = ["@@@@", "<html>", "A", "AAAAA", "QQ===", "====", "QQ==QQ==", `${PNG}A`];
  const data = none.map((b64_json) => ({ b64_json }));
  const server = await serve(t, (response) => json(response, { created: 1, data }));
  for (const image of successOf(await generate(server)).data) {
    await assert.rejects(image.bytes(), SDKValidationError, image.b64Json);
  }
});

test("base64 with line breaks, without its padding, or as a data: URL of any case is a picture", async (t) => {
  const lines = PNG.replace(/.{20}/g, "$&\r\n");
  const texts = [
    lines,
    PNG.replace(/=+$/, ""),
    `data:image/png;base64,${PNG}`,
    `DATA:image/PNG;charset=x;BASE64,${PNG}`,
  ];
  const data = texts.flatMap((text) => [{ b64_json: text }, ...(/^data:/i.test(text) ? [{ url: text }] : [])]);
  const server = await serve(t, (response) => json(response, { created: 1, data }));
  for (const image of successOf(await generate(server)).data) {
    assert.deepEqual(Buffer.from(await image.bytes()), Buffer.from(PNG, "base64"));
    assert.equal(image.mediaType, "image/png");
  }
});

test("a URL that has no picture is an error, not an empty file", async (t) => {
  const answers: [status: number, type: string, body: string][] = [
    [200, "text/html", "<html>Sign in</html>"],
    [200, "application/json", '{"error":"expired"}'],
    [200, "image/png", ""],
    [204, "image/png", ""],
  ];
  const data = answers.map((_, i) => ({ url: `/${i}` }));
  const server = await serve(t, (response, { url }) => {
    if (url.startsWith("/v1")) return json(response, { created: 1, data });
    const [status = 0, type = "", body] = answers[Number(url.slice(1))] ?? [];
    response.writeHead(status, { "content-type": type }).end(body);
  });
  for (const image of successOf(await generate(server)).data) await assert.rejects(image.bytes(), APIError);
});

test("a URL that a picture cannot be fetched from is refused before the network", async (t) => {
  const urls = ["file:///etc/passwd", "ftp://h/x", "data:,hi", "C:\\x.png", "http://u:p@127.0.0.1/x"];
  const data = urls.map((url) => ({ url }));
  const server = await serve(t, (response) => json(response, { created: 1, data }));
  for (const image of successOf(await generate(server)).data) await assert.rejects(image.bytes(), SDKValidationError);
  assert.equal(server.seen.length, 1);
});

test("what one caller does with a picture's bytes changes no other's", async (t) => {
  const server = await serve(t, (response, { url }) => {
    if (url === "/pic") return response.end(Buffer.from(PNG, "base64"));
    json(response, { created: 1, data: [{ url: "/pic" }, { b64_json: PNG }] });
  });
  for (const image of successOf(await generate(server)).data) {
    (await image.bytes()).fill(0);
    structuredClone(null, { transfer: [(await image.bytes()).buffer] });
    assert.deepEqual(Buffer.from(await image.bytes()), Buffer.from(PNG, "base64"));
  }
});

test("a download has deadlines and signals of its own", async (t) => {
  const server = await serve(t, (response, { url }) => {
    if (url.startsWith("/v1")) json(response, { created: 1, data: [{ url: "/hangs" }] });
  });
  const clock = manualClock();
  const [image] = successOf(await generate(server, {}, {}, clock)).data;
  const late = assert.rejects(async () => image?.bytes({ timeoutMs: 50 }), RequestTimeoutError);
  await server.received(2);
  clock.advance(50);
  await late;
  const signal = AbortSignal.abort("enough");
  await assert.rejects(async () => image?.bytes({ signal }), { name: "RequestAbortedError", cause: "enough" });
  const [other] = successOf(await generate(server, {}, { timeoutMs: 500 }, clock)).data;
  const alsoLate = assert.rejects(async () => other?.blob(), RequestTimeoutError);
  await server.received(4);
  clock.advance(500);
  await alsoLate;
});

test("media types are found in the first bytes", async (t) => {
  const heads: [number[], string | undefined][] = [
    [[0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 0], "image/png"],
    [[0xff, 0xd8, 0xff, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0], "image/jpeg"],
    [[...Buffer.from("RIFF"), 9, 10, 0, 0, ...Buffer.from("WEBP")], "image/webp"],
    [[...Buffer.from("RIFF"), 9, 9, 0, 0, ...Buffer.from("WAVE")], undefined],
    [[...Buffer.from("GIF89a"), 1, 0, 1, 0, 0, 0], "image/gif"],
    [[0, 0, 0, 28, ...Buffer.from("ftypavif")], "image/avif"],
    [[1, 2, 3], undefined],
  ];
  const data = heads.map(([bytes]) => ({ b64_json: Buffer.from(bytes).toString("base64") }));
  const server = await serve(t, (response) => json(response, { created: 1, data }));
  const value = successOf(await generate(server));
  assert.deepEqual(
    value.data.map(({ mediaType }) => mediaType),
    heads.map(([, type]) => type),
  );
});

test("a picture is not printed, but is in JSON for whoever passes it on", async (t) => {
  const server = await serve(t, (response) => json(response, ANSWER));
  const value = successOf(await imagesGenerate(core(server), { prompt: "x" }));
  assert.ok(!inspect(value, { depth: 9 }).includes(PNG));
  assert.equal(JSON.parse(JSON.stringify(value)).data[0].b64Json, PNG);
});

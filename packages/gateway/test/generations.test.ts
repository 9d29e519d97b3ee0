import assert from "node:assert/strict";
import { after, test } from "node:test";
import sharp from "sharp";
import { startWorld } from "./support/gateway.ts";

const world = await startWorld({ modelAliases: { "black-forest-labs/FLUX.1-schnell": "scripted" } });
after(() => world[Symbol.asyncDispose]());

const decode = (b64: string) => Buffer.from(b64, "base64");

test("S-001 model and prompt: both forms, and the url gives the same bytes", async () => {
  const answer = await world.generate();
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
  assert.equal(answer.json.data.length, 1);
  const [item] = answer.json.data;
  assert.ok(item.url.startsWith(`${world.gateway.url}/v1/images/files/`));
  const file = await world.get(new URL(item.url).pathname);
  assert.equal(file.status, 200);
  assert.equal(file.headers.get("content-type"), "image/png");
  assert.deepEqual(Buffer.from(file.bytes), decode(item.b64_json));
  assert.equal(answer.headers.get("content-length"), String(answer.bytes.length));
});

test("S-002 the example of the original SDK: url only, under an alias with a slash", async () => {
  const { status, json } = await world.generate({
    model: "black-forest-labs/FLUX.1-schnell",
    n: 1,
    quality: "hd",
    response_format: "url",
    size: "1024x1024",
    style: "vivid",
    user: "user-1234",
  });
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(json.data[0]), ["url", "seed"]);
  assert.equal(json.quality, "high");
});

test("S-003 b64_json only", async () => {
  const { json } = await world.generate({ response_format: "b64_json" });
  assert.deepEqual(Object.keys(json.data[0]), ["b64_json", "seed"]);
  assert.match(json.data[0].b64_json, /^[A-Za-z0-9+/]+={0,2}$/);
});

test("S-005 S-006 a model is needed unless the operator names a default", async () => {
  const body = JSON.stringify({ prompt: "p" });
  const refused = await world.post(body);
  assert.deepEqual([refused.status, refused.json.error.code], [400, "missing_required_parameter"]);
  await using other = await startWorld({ defaultModel: "scripted" });
  assert.equal((await other.post(body)).status, 200);
});

test("S-007 S-010 n pictures with seeds that follow one another", async () => {
  const { json } = await world.generate({ n: 3, seed: 7 });
  assert.deepEqual(
    json.data.map((item: { seed: number }) => item.seed),
    [7, 8, 9],
  );
  const single = await world.generate({ seed: 9 });
  assert.equal(single.json.data[0].b64_json, json.data[2].b64_json);
  const ten = (await world.generate({ n: 10 })).json.data.map((item: { b64_json: string }) => item.b64_json);
  assert.equal(new Set(ten).size, 10);
});

test("S-012 S-014 S-015 S-016 formats and sizes are what was asked for, and echoed", async () => {
  const cases = [
    [{ output_format: "png", size: "1024x1024" }, "png", 1024, 1024],
    [{ output_format: "jpeg", size: "512x768" }, "jpeg", 512, 768],
    [{ output_format: "webp", width: 640, height: 384 }, "webp", 640, 384],
    [{ size: "auto" }, "png", 64, 64],
  ] as const;
  for (const [fields, format, width, height] of cases) {
    const { json } = await world.generate(fields);
    const info = await sharp(decode(json.data[0].b64_json)).metadata();
    assert.deepEqual([info.format, info.width, info.height], [format, width, height]);
    assert.deepEqual([json.output_format, json.size], [format, `${width}x${height}`]);
  }
});

test("S-008 S-013 nulls and compression reach the node as defaults and numbers", async () => {
  await world.generate({ n: null, size: null, quality: null, seed: null, stream: null });
  assert.equal(world.node.requests.at(-1)?.job.n, 1);
  await world.generate({ output_format: "jpeg", output_compression: 0 });
  assert.equal(world.node.requests.at(-1)?.job.output_compression, 0);
});

test("S-020 S-021 media type parameters and a byte order mark do no harm", async () => {
  for (const type of [
    "application/json; charset=utf-8",
    "Application/JSON",
    'application/json; profile="multipart/form-data"',
  ]) {
    assert.equal((await world.generate({}, { "content-type": type })).status, 200, type);
  }
  assert.equal((await world.post('\uFEFF{"model":"scripted","prompt":"p"}')).status, 200);
});

test("S-023 S-024 usage adds up and created is now", async () => {
  const { json } = await world.generate();
  assert.equal(json.usage.total_tokens, json.usage.input_tokens + json.usage.output_tokens);
  assert.ok(Number.isInteger(json.created) && Math.abs(json.created - Date.now() / 1000) <= 5);
});

test("S-025 odd model ids are unknown models, not faults", async () => {
  for (const model of ["a/b", "a.b:c", "a b", "../x", "%2F"]) {
    const { status, json } = await world.generate({ model });
    assert.deepEqual([status, json.error.code, json.error.param], [404, "model_not_found", "model"], model);
  }
});

test("S-094 a node gets its own credential and nothing of the client's", async () => {
  await world.generate({}, { cookie: "a=b", "x-forwarded-for": "1.2.3.4", "x-secret": "s" });
  const { headers, job } = world.node.requests.at(-1) ?? assert.fail();
  assert.equal(headers.authorization, "Bearer node-secret");
  assert.match(String(headers["x-request-id"]), /^req_/);
  for (const name of ["cookie", "x-forwarded-for", "x-secret"]) assert.equal(headers[name], undefined);
  assert.equal(job.max_completion_tokens, undefined);
});

test("neither prompts nor keys nor pictures are logged", async () => {
  await world.generate({ prompt: "an unforgettable zebra" });
  await world.generate({ prompt: "an unforgettable zebra", n: 0 });
  const log = world.log.join("");
  assert.match(log, /"route":"\/v1\/images\/generations"/);
  assert.doesNotMatch(log, /zebra|otter|iVBOR/);
  assert.ok(!log.includes(world.key.slice(-20)));
});

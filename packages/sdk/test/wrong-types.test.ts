import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { imagesGenerateStream } from "../src/funcs/imagesGenerateStream.ts";
import { modelsGet } from "../src/funcs/modelsGet.ts";
import { APIError, SDKValidationError } from "../src/models/errors/index.ts";
import { core, errorOf, generate, PNG, successOf } from "./support/calls.ts";
import { json, serve } from "./support/server.ts";

const URL_ITEM = { url: "https://images.invalid/1.png" };

test("K-004 a picture that is no text is none", async (t) => {
  const items = [{ url: 5 }, { b64_json: 5 }, { b64_json: {} }, { b64_json: ["x"], url: false }, "x", null, 5, []];
  const server = await serve(t, (response, _seen, i) => json(response, { data: [items[i]] }));
  for (const _ of items) errorOf(await generate(server), SDKValidationError);
});

test("K-001 a picture is not lost for what stands beside it", async (t) => {
  const data = [null, { b64_json: 5, ...URL_ITEM }, { url: 5, b64_json: PNG }, "x"];
  const server = await serve(t, (response) => json(response, { created: 1, data }));
  const answer = successOf(await generate(server));
  assert.deepEqual(
    answer.data.map(({ url, b64Json }) => [url, b64Json?.length]),
    [
      [undefined, undefined],
      [URL_ITEM.url, undefined],
      [undefined, PNG.length],
      [undefined, undefined],
    ],
  );
  assert.match(inspect(answer, { depth: 5 }), /characters of base64/);
  const [missing] = answer.data;
  await assert.rejects(async () => missing?.bytes(), SDKValidationError);
});

test("K-003 created is a number of seconds, or is left out", async (t) => {
  const given = [17, 17.9, "17", "1.7e1", "2024-04-23T00:00:00Z", "soon", null, {}, [], true, -5, ""];
  const server = await serve(t, (response, _seen, i) => json(response, { created: given[i], data: [URL_ITEM] }));
  const read: unknown[] = [];
  for (const _ of given) read.push(successOf(await generate(server)).created);
  assert.deepEqual(read, [17, 17, 17, 17, ...Array(8).fill(undefined)]);
});

test("K-001 known fields that are null are left out, unknown ones kept", async (t) => {
  const nulls = { usage: null, size: null, quality: null, background: null, output_format: null, error: null };
  const data = [{ ...URL_ITEM, b64_json: null, revised_prompt: null, seed: null, safety: null }];
  const server = await serve(t, (response) => json(response, { ...nulls, other: null, data }));
  const { data: pictures, ...fields } = successOf(await generate(server));
  assert.deepEqual(fields, { error: null, other: null });
  assert.deepEqual({ ...pictures[0] }, { ...URL_ITEM, safety: null });
});

test("K-002 what is inside of unknown fields is the server's, key for key", async (t) => {
  const own = { created_at: 1, b64_json: "kept", output_format: 2, nested: [{ owned_by: 3 }] };
  const data = [{ ...URL_ITEM, metadata: own }];
  const server = await serve(t, (response) => json(response, { data, metadata: own, provider: { data: [own] } }));
  const answer = successOf(await generate(server));
  assert.deepEqual([answer.metadata, answer.provider, answer.data[0]?.metadata], [own, { data: [own] }, own]);
});

test("K-005 an error that says nothing takes no picture away", async (t) => {
  const none = [null, false, "", 0];
  const server = await serve(t, (response, _seen, i) => json(response, { error: none[i], data: [URL_ITEM] }));
  for (const _ of none) successOf(await generate(server));
  const streamed = await serve(t, (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(`data: ${JSON.stringify({ type: "image_generation.completed", b64_json: PNG, error: "" })}\n\n`);
  });
  const types: string[] = [];
  for await (const { type } of successOf(await imagesGenerateStream(core(streamed), { prompt: "x" }))) types.push(type);
  assert.deepEqual(types, ["image_generation.completed"]);
  const refusing = await serve(t, (response) => json(response, { error: {}, data: [URL_ITEM] }));
  assert.equal(errorOf(await generate(refusing), APIError).statusCode, 200);
});

test("a server cannot change what objects are", async (t) => {
  const evil = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}';
  const server = await serve(t, (response) =>
    json(response, `${evil},"data":[${evil},"bytes":"x","url":"https://h"}]}`),
  );
  const answer = successOf(await generate(server));
  assert.equal(Reflect.get({}, "polluted"), undefined);
  assert.equal(Object.getPrototypeOf(answer), Object.prototype);
  assert.equal(typeof answer.data[0]?.bytes, "function");
});

test("the id of a model is one part of the path, whatever is in it", async (t) => {
  const server = await serve(t, (response) => json(response, { id: "m" }));
  const ids = ["a/b", "../x", "a b", "%2F", "a?b#c", "a\\b", "日本/x", "a/", ":", "\n", "...", ".hidden"];
  for (const id of ids) {
    successOf(await modelsGet(core(server), id));
    const part = server.seen.at(-1)?.url.replace("/v1/models/", "") ?? "";
    assert.doesNotMatch(part, /[/?#]/);
    assert.equal(decodeURIComponent(part), id);
  }
  // A URL would take these for steps.
  for (const id of ["", ".", ".."]) errorOf(await modelsGet(core(server), id), SDKValidationError);
  assert.equal(server.seen.length, ids.length);
});

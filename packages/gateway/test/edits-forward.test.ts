import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { create, editsOf, form, png, url } from "./support/edits.ts";
import { eventually, startWorld } from "./support/gateway.ts";
import { checkedFetch } from "./support/openapi.ts";
import { card, finish, makePictures, sendPicture, startScriptedNode, writeEvent } from "./support/scripted-node.ts";

const editor = { ...card, id: "editor", edits: true, maxInputImages: 2, inputFidelity: true };
const node = await startScriptedNode([editor]);
const BODY_LIMIT = 16_384;
const world = await startWorld({
  nodes: [{ name: "n", url: node.url }],
  maxEditBodyBytes: BODY_LIMIT,
  unknownFields: "forward",
});
const refusing = editsOf(world);
after(async () => {
  await world[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
});
beforeEach(() => {
  node.behave = makePictures;
  node.requests.length = 0;
});

const mask = await create(64, 64).ensureAlpha(0).png().toBuffer();
const jpeg = await create(64, 64).jpeg().toBuffer();

function send(body: FormData | string, headers: Record<string, string> = {}): Promise<Response> {
  const type = typeof body === "string" ? { "content-type": "application/json" } : {};
  const init = { method: "POST", body, headers: { authorization: `Bearer ${world.key}`, ...type, ...headers } };
  return checkedFetch(`${world.gateway.url}/v1/images/edits`, init);
}
const editForm = (fields: Parameters<typeof form>[0] = {}) => form({ model: "editor", image: png, ...fields });

test("S-094 S-126 a node gets the pictures as they came, the mask, every field, and nothing of the client's", async () => {
  const body = form({ model: "editor", "image[]": [png, jpeg], mask, n: "2", seed: "9", input_fidelity: "high" });
  body.set("prompt", "line one\r\nline \u{1F9A6}");
  body.set('odd"\r\nname', "v");
  const answer = await send(body, { cookie: "a=b" });
  assert.equal(answer.status, 200, await answer.clone().text());
  const [request] = node.requests;
  assert.ok(request);
  assert.deepEqual(
    request.files.map(({ name, mediaType, value }) => [name, mediaType, Buffer.from(value)]),
    [
      ["image[]", "image/png", png],
      ["image[]", "image/jpeg", jpeg],
      ["mask", "image/png", mask],
    ],
  );
  const { prompt, n, seed, size, steps, input_fidelity, model } = request.job;
  assert.deepEqual(
    { prompt, n, seed, size, steps, input_fidelity, model },
    {
      prompt: "line one\r\nline \u{1F9A6}",
      n: 2,
      seed: 9,
      size: "64x64",
      steps: 4,
      input_fidelity: "high",
      model: "editor",
    },
  );
  // What forms escape arrives escaped: it cannot end its header.
  assert.equal(request.job["odd%22%0D%0Aname"], "v");
  assert.deepEqual([request.headers.cookie, request.headers.authorization], [undefined, undefined]);
});

test("S-081 S-126 an edit costs what a generation of its size does, whatever the encoding", async () => {
  const before = await world.available();
  const json = { model: "editor", prompt: "p", images: [{ image_url: url(png) }], size: "128x96" };
  assert.equal((await send(JSON.stringify(json))).status, 200);
  assert.equal((await send(editForm({ size: "128x96" }))).status, 200);
  assert.deepEqual([before - (await world.available()), await world.pending()], [2 * 128 * 96, 0]);
});

test("S-063 S-080 a key without the model, and a balance that is too low", async () => {
  const limited = await world.ledger.createKey({ accountId: world.accountId, name: "x", allowedModels: ["another"] });
  const narrow = await refusing.edit(editForm(), { authorization: `Bearer ${limited.key}` });
  assert.deepEqual([narrow.status, narrow.error.code], [403, "permission_denied"]);
  const poor = await world.ledger.createAccount({ name: "poor" });
  const { key } = await world.ledger.createKey({ accountId: poor.id, name: "k" });
  const refused = await refusing.edit(editForm(), { authorization: `Bearer ${key}` });
  assert.deepEqual([refused.status, refused.error.code], [402, "insufficient_quota"]);
  assert.equal(node.requests.length, 0);
});

test("what the card does not take: more pictures than it says, a mask without alpha", async () => {
  const many = await refusing.edit(form({ model: "editor", "image[]": [png, png, png] }));
  assert.deepEqual([many.status, many.error.param, many.error.code], [400, "image", "array_above_max_length"]);
  const images = [png, png, png].map((bytes) => ({ image_url: url(bytes) }));
  assert.equal((await refusing.json({ model: "editor", images })).error.param, "images");
  const opaque = await refusing.edit(editForm({ mask: png }));
  assert.deepEqual([opaque.status, opaque.error.param, opaque.error.code], [400, "mask", "invalid_image_file"]);
  assert.equal(node.requests.length, 0);
});

test("the pictures' memory is free as soon as a node makes the picture, and after each failure", async () => {
  const half = await create(64, 64)
    .jpeg()
    .withMetadata({ exif: { IFD0: { Copyright: "x".repeat(9000) } } })
    .toBuffer();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  node.behave = async (job, response) => {
    writeEvent(response, { type: "progress", index: 0, step: 1, steps: 2 });
    await ended;
    await sendPicture(job, response, 0, job.seed ?? 1);
    finish(response);
  };
  // Each is more than half of the body that may be largest; an account may hold twice that one.
  const started = [];
  for (let count = 1; count <= 6; count++) {
    started.push(send(editForm({ image: half })));
    await eventually(() => node.requests.length === count);
    // The claim ends with the node's first bytes, a moment after it has the request.
    await eventually(async () => (await send(editForm({ image: half, n: "11" }))).status === 400);
  }
  end();
  for (const answer of await Promise.all(started)) assert.equal(answer.status, 200);
  for (let i = 0; i < 6; i++) assert.equal((await send(editForm({ image: half, prompt: "" }))).status, 400);
});

test("S-090 another node gets the pictures when the first is busy, whichever that is", async () => {
  await using second = await startScriptedNode([editor]);
  await using both = await startWorld({
    nodes: [
      { name: "a", url: node.url },
      { name: "b", url: second.url },
    ],
  });
  let refused = false;
  for (const one of [node, second]) {
    one.behave = (job, response, request) => {
      if (refused) return makePictures(job, response, request);
      refused = true;
      response.writeHead(503).end();
    };
  }
  const init = { method: "POST", body: editForm(), headers: { authorization: `Bearer ${both.key}` } };
  assert.equal((await fetch(`${both.gateway.url}/v1/images/edits`, init)).status, 200);
  assert.deepEqual([node.requests.length, second.requests.length], [1, 1]);
  for (const { files } of [...node.requests, ...second.requests]) {
    assert.deepEqual(Buffer.from(files[0]?.value ?? ""), png);
  }
});

test("a picture that only the node finds broken: 400 in our words, and nothing is charged", async () => {
  const before = await world.available();
  for (const [param, which] of [
    ["image", "image 1"],
    ["mask", "the mask"],
  ]) {
    node.behave = (_job, response) => {
      const error = { message: "internals", type: "invalid_request_error", param, code: "invalid_image_file" };
      response.writeHead(400).end(JSON.stringify({ error }));
    };
    const { status, error } = await refusing.edit(editForm());
    assert.deepEqual(
      [status, error.param, error.code, error.message],
      [400, param, "invalid_image_file", `Invalid image file or mode for ${which}, please check your image file.`],
    );
  }
  assert.deepEqual([await world.available(), await world.pending()], [before, 0]);
});

test("S-057 a node whose dialect takes no pictures is not asked, though it offers the same model", async () => {
  await using foreign = await startScriptedNode([]);
  const offered = {
    name: "foreign",
    url: foreign.url,
    dialect: "mistralrs",
    models: [{ upstream: "x", card: editor }],
  } as const;
  await using both = await startWorld({ nodes: [{ name: "n", url: node.url }, offered] });
  const post = () =>
    fetch(`${both.gateway.url}/v1/images/edits`, {
      method: "POST",
      body: editForm(),
      headers: { authorization: `Bearer ${both.key}` },
    });
  for (let i = 0; i < 4; i++) assert.equal((await post()).status, 200);
  assert.deepEqual([node.requests.length, foreign.requests.length], [4, 0]);
});

test("a preference for an answer later is ignored: the edit is made, charged and answered at once, and again", async () => {
  const spent = async () => (await world.ledger.getAccount(world.accountId))?.posted ?? assert.fail();
  const before = await spent();
  const headers = { prefer: "respond-async", "idempotency-key": "later" };
  const answers = [await send(editForm(), headers), await send(editForm(), headers)];
  for (const answer of answers) {
    assert.deepEqual([answer.status, answer.headers.get("preference-applied")], [200, null]);
    assert.equal(answer.headers.get("location"), null);
  }
  const [first, again] = await Promise.all(answers.map((answer) => answer.json()));
  assert.deepEqual(again, first);
  assert.equal(node.requests.length, 1);
  assert.equal((await spent()) - before, 64 * 64);
  assert.deepEqual(await world.ledger.jobs.claim("nobody", Date.now() + 1, 1), []);
});

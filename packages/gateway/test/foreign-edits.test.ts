import assert from "node:assert/strict";
import { test } from "node:test";
import sharp from "sharp";
import { readForeignModel } from "../src/index.ts";
import { create, form } from "./support/edits.ts";
import { faultTable, NAMES, sizeFor, startPair } from "./support/foreign-faults.ts";
import type { ForeignName } from "./support/foreign-kinds.ts";
import { eventually, type World } from "./support/gateway.ts";

const EDITS = { edits: true, input_fidelity: true };
const EDITORS = NAMES.filter((name) => readForeignModel({ id: "m", ...EDITS }, name).card.edits);
const png = await create(64, 64).png().toBuffer();
const jpeg = await create(64, 64).jpeg().toBuffer();
const mask = await create(64, 64).ensureAlpha(0).png().toBuffer();

const editing = (name: ForeignName) => startPair(name, { queueTimeoutMs: 250 }, EDITS);

function editOf(world: World) {
  return (fields: Readonly<Record<string, string | number>>, files: Parameters<typeof form>[0] = { image: png }) => {
    const body = form({ ...files, prompt: "a secret otter" });
    for (const [name, value] of Object.entries(fields)) body.set(name, String(value));
    return world.edit(body);
  };
}

test("which servers edit", () => {
  assert.deepEqual(EDITORS, ["openai", "vllm-omni", "sglang", "sdcpp", "localai"]);
  const cards = NAMES.map((name) => readForeignModel({ id: "m", ...EDITS }, name).card);
  assert.deepEqual(
    cards.map(({ edits, maxInputImages, inputFidelity }) => [edits, maxInputImages, inputFidelity]),
    NAMES.map((name) => [name !== "mistralrs", name === "localai" || name === "mistralrs" ? 1 : 16, name === "openai"]),
  );
  assert.equal(readForeignModel({ id: "m" }, "openai").card.edits, false, "the operator says so");
});

for (const name of EDITORS) {
  test(`S-094 S-126 ${name}: an edit arrives with its pictures, as they came, and nothing of the client`, async () => {
    await using pair = await editing(name);
    const { server, world } = pair;
    const images = name === "localai" ? [png] : [png, jpeg];
    const answer = await editOf(world)({ size: sizeFor(name), n: 2 }, { "image[]": images });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.data.length, 2);
    const [request] = server.requests;
    assert.deepEqual(
      request?.images.map((bytes) => Buffer.from(bytes)),
      images,
    );
    assert.deepEqual(
      [request?.understood?.prompt, request?.understood?.size, request?.understood?.n],
      ["a secret otter", sizeFor(name), 2],
    );
    assert.equal(request?.headers.authorization, "Bearer node-secret");
    assert.deepEqual(server.strays, []);
    assert.equal(await world.pending(), 0);
    assert.doesNotMatch(world.log.join(""), /secret otter/);
  });

  test(`${name}: a photo with an EXIF orientation arrives upright and without it, in its own format`, async () => {
    await using pair = await editing(name);
    const size = sizeFor(name);
    const [width = 0, height = 0] = size.split("x").map(Number);
    const left = { create: { width: width / 2, height, channels: 3 as const, background: "white" } };
    const seen = await create(width, height)
      .composite([{ input: left, left: 0, top: 0 }])
      .png()
      .toBuffer();
    for (const format of ["jpeg", "png"] as const) {
      // Stored as cameras do that were held upright.
      const stored = await sharp(seen).rotate(270).withMetadata({ orientation: 6 }).toFormat(format).toBuffer();
      const answer = await editOf(pair.world)({ size }, { image: stored });
      assert.equal(answer.status, 200, answer.text);
      const sent = pair.server.requests.at(-1)?.images[0] ?? assert.fail("no picture");
      const metadata = await sharp(sent).metadata();
      assert.deepEqual(
        [metadata.format, metadata.width, metadata.height, metadata.orientation],
        [format, width, height, undefined],
      );
      const pixels = await sharp(sent).raw().toBuffer();
      const at = (x: number) => pixels[3 * (Math.floor(height / 2) * width + x)] ?? 128;
      assert.ok(at(4) > 240 && at(width - 4) < 20, "left is left");
    }
    const broken = await sharp(seen).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    broken.fill(0xff, broken.length - 40, broken.length - 2);
    broken.fill(0xd9, 700, broken.length - 2);
    const refused = await editOf(pair.world)({ size }, { image: broken });
    assert.equal(refused.status, 400, refused.text);
    assert.equal(refused.json.error.code, "invalid_image_file");
    assert.equal(await pair.world.pending(), 0);
  });

  test(`S-083…S-096 ${name}: faults at edits never charge, never leak, never ask twice`, async () => {
    await using pair = await editing(name);
    await faultTable(name, pair, editOf(pair.world));
  });

  test(`S-077 ${name}: a client that leaves its edit closes the connection to the node`, async () => {
    await using pair = await editing(name);
    const { server, world } = pair;
    server.fault = () => {};
    const leaving = new AbortController();
    const body = form({ image: png, size: sizeFor(name) });
    const request = fetch(`${world.gateway.url}/v1/images/edits`, {
      method: "POST",
      headers: { authorization: `Bearer ${world.key}` },
      body,
      signal: leaving.signal,
    });
    await eventually(() => server.requests.length === 1);
    leaving.abort();
    await assert.rejects(request);
    await eventually(() => server.cancelled === 1);
    await eventually(async () => (await world.pending()) === 0);
  });

  test(`${name}: what its edits cannot be told is refused with the field's name, before anything is reserved`, async () => {
    await using pair = await editing(name);
    const { server, world } = pair;
    const size = sizeFor(name);
    const cases: [Record<string, string>, Parameters<typeof form>[0], string, ForeignName[]][] = [
      [{ size }, { image: png, mask }, "mask", ["openai"]],
      [{ size, input_fidelity: "high" }, { image: png }, "input_fidelity", ["openai"]],
      [{ size, output_format: "webp" }, { image: png }, "output_format", ["openai", "vllm-omni", "sglang"]],
      [{ size }, { "image[]": [png, png] }, "image", ["openai", "vllm-omni", "sglang", "sdcpp"]],
    ];
    for (const [fields, files, param, able] of cases) {
      const before = server.requests.length;
      const answer = await editOf(world)(fields, files);
      const label = `${param}: ${answer.text.slice(0, 200)}`;
      if (able.includes(name)) {
        assert.equal(answer.status, 200, label);
        assert.equal(server.requests.length, before + 1, label);
        const { mask: masked, body } = server.requests.at(-1) ?? assert.fail();
        if (param === "mask") assert.deepEqual(Buffer.from(masked ?? []), mask);
        if (param === "input_fidelity") assert.equal(body.input_fidelity, "high");
      } else {
        assert.deepEqual([answer.status, answer.json.error.param], [400, param], label);
        assert.equal(server.requests.length, before, label);
      }
    }
    assert.equal(await world.pending(), 0);
  });
}

test("mistral.rs has no edits: refused, whatever the operator writes", async () => {
  await using pair = await editing("mistralrs");
  const { status, json } = await editOf(pair.world)({ size: "320x256" });
  assert.deepEqual([status, json.error.param, json.error.code], [400, "model", "invalid_value"]);
  assert.deepEqual(pair.server.strays, []);
});

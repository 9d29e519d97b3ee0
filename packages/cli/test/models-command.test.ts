import assert from "node:assert/strict";
import { cpSync, existsSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { filesOf, startHub } from "./support/hub.ts";
import { atoma, root } from "./support/up.ts";

const MODELS = join(root, "packages/engine/test/fixtures/models");
const data = await mkdtemp(join(tmpdir(), "atoma-models-"));
after(() => rm(data, { recursive: true, force: true }));
const models = (...args: string[]) => atoma(["models", ...args, "--data", data]);

test("models add, list, show, remove: a folder stays where it is", async () => {
  const own = join(data, "mine");
  cpSync(join(MODELS, "sd15"), own, { recursive: true });
  const added = await models("add", own, "--as", "photo");
  assert.deepEqual([added.code, added.out], [0, "photo added; atoma node --models photo serves it\n"]);
  const { out } = await models("list");
  assert.match(out, /^tiny +comes with Atoma +/m);
  assert.match(out, /^photo +added +/m);
  const shown = await models("show", "photo");
  assert.match(shown.out, /^id {10}photo$/m);
  assert.match(shown.out, /^scheduler {3}PNDMScheduler$/m);
  assert.match(shown.out, /^choices {5}ddim, dpmpp_2m/m);
  assert.match((await models("add", own, "--as", "photo")).err, /photo is there already/);
  assert.equal((await models("remove", "photo")).code, 0);
  assert.ok(existsSync(join(own, "model_index.json")), "the folder is untouched");
  assert.doesNotMatch((await models("list")).out, /photo/);
});

test("models show names the licence of the embedded model", async () => {
  assert.match((await models("show", "tiny")).out, /^licence {5}Apache-2\.0$/m);
});

test("models check loads a model and draws a step, or says in one line why not, with exit code 1", async () => {
  const good = await models("check", join(MODELS, "sd-turbo"));
  assert.equal(good.code, 0, good.err);
  assert.match(good.out, /sd-turbo loads; its first step took \d+\.\d s\n$/);

  const broken = join(data, "broken");
  cpSync(join(MODELS, "flux-schnell"), broken, { recursive: true });
  rmSync(join(broken, "text_encoder_2", "model.onnx"));
  const bad = await models("check", broken);
  assert.equal(bad.code, 1);
  assert.match(bad.err, /^atoma: .*text_encoder_2\/model.onnx: missing; the folder must be exported to ONNX/);
  assert.equal(bad.err.trim().split("\n").length, 1, bad.err);
});

test("models pull fetches from HF_ENDPOINT and shows what it has; remove deletes it", async () => {
  await using hub = await startHub(filesOf(join(MODELS, "lcm"), { "README.md": "---\nlicense: mit\n---\n" }));
  const env = { HF_ENDPOINT: hub.url };
  const { code, out, err } = await atoma(["models", "pull", "org/model", "--data", data], env);
  assert.equal(code, 0, err);
  assert.match(out, /^id {10}model$/m);
  assert.match(out, /^licence {5}mit$/m);
  assert.match((await models("list")).out, /^model +org\/model@0123456789ab +/m);
  assert.equal((await models("remove", "model")).code, 0);
  assert.equal(existsSync(join(data, "models", "model")), false);
});

test("mistakes are answered with what is known", async () => {
  const [unknown, name, repo, tiny] = await Promise.all([
    models("show", "nothing"),
    models("add", join(MODELS, "sd15"), "--as", "../x"),
    models("pull", "noslash"),
    models("remove", "tiny"),
  ]);
  assert.match(unknown.err, /there is no model folder and no installed model nothing; installed: tiny/);
  assert.match(name.err, /a model's name has letters, digits/);
  assert.match(repo.err, /noslash: expected ORG\/NAME/);
  assert.match(tiny.err, /tiny comes with Atoma and cannot be removed/);
  assert.ok([unknown, name, repo, tiny].every(({ code }) => code === 2));
});

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type PullProgress, pull } from "../src/models/pull.ts";
import { COMMIT, filesOf, type Hub, startHub } from "./support/hub.ts";
import { root } from "./support/up.ts";

const SDXL = join(root, "packages/engine/test/fixtures/models/sdxl");
const OTHERS = {
  "unet/diffusion_pytorch_model.safetensors": "w",
  "unet/model_int8.onnx": "w",
  "vae/diffusion_pytorch_model.bin": "w",
  "README.md": "---\nlicense: openrail++\n---\n",
  "sd_xl_base_1.0.safetensors": "w",
  "preview.png": "p",
};
const DATA = "unet/model.onnx_data";

interface Place extends AsyncDisposable {
  readonly hub: Hub;
  readonly folder: string;
  readonly waits: number[];
  readonly progress: PullProgress[];
  pull(accessToken?: string): Promise<string>;
}

async function place(files = filesOf(SDXL, OTHERS), token?: string): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "atoma-pull-"));
  const hub = await startHub(files, token);
  const waits: number[] = [];
  const progress: PullProgress[] = [];
  return {
    hub,
    folder,
    waits,
    progress,
    pull: (accessToken) =>
      pull({
        repo: "org/model",
        revision: "main",
        hubUrl: hub.url,
        accessToken,
        folder,
        name: "model",
        onProgress: (now) => void progress.push(now),
        wait: async (attempt) => void waits.push(attempt),
      }),
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const contentOf = (folder: string, path: string) => readFileSync(join(folder, "model", path));

test("the files that the engine reads are fetched, with every file of external data, and nothing else", async () => {
  await using here = await place();
  const path = await here.pull();
  assert.equal(path, join(here.folder, "model"));
  for (const file of [DATA, "unet/model.onnx", "tokenizer_2/merges.txt", "vae_encoder/model.onnx", "README.md"]) {
    assert.deepEqual(contentOf(here.folder, file), filesOf(SDXL, OTHERS).get(file), file);
  }
  const fetched = here.hub.fetched.map((one) => one.path);
  const unwanted = [
    "unet/diffusion_pytorch_model.safetensors",
    "unet/model_int8.onnx",
    "preview.png",
    "record/record.bin",
  ];
  for (const other of [...unwanted, "sd_xl_base_1.0.safetensors"]) assert.ok(!fetched.includes(other), other);
  assert.equal(JSON.parse(contentOf(here.folder, "atoma-pull.json").toString()).commit, COMMIT);
  const last = here.progress.at(-1);
  assert.equal(last?.bytes, last?.total, "progress ends at the whole");
  assert.deepEqual(readdirSync(here.folder), ["model"], "nothing is left beside it");
});

test("a connection that is cut is taken up where it ended", async () => {
  await using here = await place();
  here.hub.fail(DATA, { kind: "cut", after: 70_000 }, { kind: "cut", after: 50_000 });
  await here.pull();
  const ranges = here.hub.fetched.filter(({ path }) => path === DATA).map(({ range }) => range);
  assert.equal(ranges.length, 3);
  assert.equal(ranges[0], undefined);
  const starts = ranges.slice(1).map((range) => Number(/bytes=(\d+)-/u.exec(range ?? "")?.[1]));
  assert.ok(
    starts.every((start) => start > 0),
    `asked for the rest: ${ranges.join(" ")}`,
  );
  assert.ok((starts[1] ?? 0) > (starts[0] ?? 0));
  assert.deepEqual(contentOf(here.folder, DATA), filesOf(SDXL).get(DATA));
});

test("after five attempts without a byte it gives up, and the same command goes on from there", async () => {
  await using here = await place();
  here.hub.fail(DATA, { kind: "cut", after: 70_000 }, ...Array(5).fill({ kind: "status", status: 503 }));
  await assert.rejects(here.pull(), {
    name: "PullError",
    message: /^unet\/model.onnx_data: .*the same command goes on from here$/,
  });
  assert.equal(existsSync(join(here.folder, "model")), false, "half a model is no model");
  assert.ok(here.waits.length >= 4, "it waited between its attempts");
  const before = here.hub.fetched.length;
  await here.pull();
  const again = here.hub.fetched.slice(before);
  assert.ok(!again.some(({ path }) => path === "text_encoder/model.onnx"), "what was whole is not fetched again");
  assert.ok(
    again.some(({ path, range }) => path === DATA && range !== undefined),
    "of the rest only the rest",
  );
  assert.deepEqual(contentOf(here.folder, DATA), filesOf(SDXL).get(DATA));
});

test("a file with a wrong checksum is fetched again from its beginning; wrong twice, it is refused", async () => {
  await using here = await place();
  here.hub.fail(DATA, { kind: "damage" });
  here.hub.fail("tokenizer/merges.txt", { kind: "damage" });
  await here.pull();
  assert.deepEqual(contentOf(here.folder, DATA), filesOf(SDXL).get(DATA));
  assert.deepEqual(contentOf(here.folder, "tokenizer/merges.txt"), filesOf(SDXL).get("tokenizer/merges.txt"));

  await using bad = await place();
  bad.hub.fail(DATA, { kind: "damage" }, { kind: "damage" });
  await assert.rejects(bad.pull(), /^PullError: unet\/model.onnx_data: its checksum is wrong twice/);
  assert.equal(existsSync(join(bad.folder, "model")), false);
});

test("a server that sends the whole file where the rest was asked for does no harm", async () => {
  await using here = await place();
  here.hub.fail(DATA, { kind: "cut", after: 70_000 }, { kind: "ignore-range" });
  await here.pull();
  assert.deepEqual(contentOf(here.folder, DATA), filesOf(SDXL).get(DATA));
});

test("a repository that is not exported to ONNX is refused before anything is fetched, with what would do", async () => {
  const files = new Map([...filesOf(SDXL, OTHERS)].filter(([path]) => !path.endsWith(".onnx")));
  await using here = await place(files);
  await assert.rejects(
    here.pull(),
    /org\/model cannot be loaded: it has no unet\/model.onnx or transformer\/model.onnx, .*optimum-cli export onnx/,
  );
  assert.deepEqual(here.hub.fetched, []);
});

test("a private repository needs a token, which is sent; without one it is said what to set", async () => {
  await using here = await place(filesOf(SDXL), "hf_secret");
  await assert.rejects(
    here.pull(),
    /org\/model cannot be read: it does not exist, or is private or gated; set HF_TOKEN/,
  );
  await assert.rejects(here.pull("hf_wrong"), /the token in HF_TOKEN has no access/);
  await here.pull("hf_secret");
  assert.ok(existsSync(join(here.folder, "model", DATA)));
});

test("a path that leads out of the folder is not fetched", async () => {
  await using here = await place(filesOf(SDXL, { "unet/../../../escaped": "x" }));
  await here.pull();
  assert.ok(!here.hub.fetched.some(({ path }) => path.includes("escaped")));
});

test("a model that is there is not overwritten", async () => {
  await using here = await place();
  await here.pull();
  await assert.rejects(here.pull(), /model is there already; remove it first, or give another name/);
});

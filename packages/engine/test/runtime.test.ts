import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import sharp from "sharp";
import { ModelFolderError, startModelProcess } from "../src/index.ts";
import { isOutOfMemory } from "../src/network/out-of-memory.ts";
import { openRuntime } from "../src/network/runtime.ts";
import { collect, imagesOf, jobFor, TINY } from "./support.ts";

const FILE = join(TINY, "text_encoder/model.onnx");

const web = async () => await import("onnxruntime-web");
const missing = async () => {
  throw new Error("no native build for this system");
};

describe("what networks run on", () => {
  test("auto takes the CPU where nothing better loads", async () => {
    const runtime = openRuntime({ provider: "auto", threads: 1 });
    assert.equal(runtime.provider, undefined);
    const session = await runtime.open(FILE);
    assert.equal(runtime.provider, "cpu");
    await session.release();
  });

  test("auto takes the WebAssembly build where the native one does not load", async () => {
    const runtime = openRuntime({ provider: "auto", threads: 1, load: { native: missing, wasm: web } });
    const session = await runtime.open(FILE);
    assert.equal(runtime.provider, "wasm");
    assert.ok(session.inputNames.includes("input_ids"));
    await session.release();
  });

  test("without any build the error names the file and what was tried", async () => {
    const runtime = openRuntime({ provider: "auto", threads: 1, load: { native: missing, wasm: missing } });
    await assert.rejects(
      runtime.open(FILE),
      (error: unknown) =>
        error instanceof ModelFolderError &&
        error.message.includes(FILE) &&
        /cpu: no native build for this system; wasm: no native build/.test(error.message),
    );
  });

  test("a provider that is asked for and cannot load is refused, not replaced", async () => {
    const runtime = openRuntime({ provider: "coreml", threads: 1 });
    if (process.platform !== "darwin") await assert.rejects(runtime.open(FILE), /text_encoder.*coreml: /s);
  });

  test("a picture of the WebAssembly build is the native one's within 2 of 255", async () => {
    const draw = async (provider: "cpu" | "wasm") => {
      const model = startModelProcess({ path: TINY, provider });
      try {
        await model.ready;
        assert.equal(model.facts?.provider, provider);
        assert.equal(model.facts?.precision, "float32");
        assert.ok((model.facts?.memoryMiB ?? 0) > 20);
        const [image] = imagesOf(await collect(model.generate(jobFor(model.folder.card, { seed: 3, steps: 3 }))));
        assert.ok(image);
        return sharp(image.bytes).raw().toBuffer();
      } finally {
        await model.close();
      }
    };
    const [native, wasm] = [await draw("cpu"), await draw("wasm")];
    assert.equal(native.length, wasm.length);
    const far = native.filter((value, i) => Math.abs(value - (wasm[i] ?? 255)) > 2).length;
    assert.ok(far <= native.length / 1000, `${far} of ${native.length} values differ`);
  });
});

test("what providers say when memory does not suffice is understood", () => {
  for (const saying of [
    "Failed to allocate memory for requested buffer of size 4294967296",
    "std::bad_alloc",
    "CUDA failure 2: out of memory ; GPU=0",
    "Array buffer allocation failed",
    "BFCArena::AllocateRawInternal Available memory of 0 is smaller than requested: out of memory",
  ]) {
    assert.ok(isOutOfMemory(saying), saying);
  }
  assert.ok(!isOutOfMemory("Got invalid dimensions for input: sample"));
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type ModelFolder, readModelFolder } from "../src/folder/read-model-folder.ts";
import { openRuntime } from "../src/network/runtime.ts";
import { loadDecoder } from "../src/pipeline/decoder.ts";
import { readRecord } from "./reference.ts";

const path = join(import.meta.dirname, "fixtures", "models", "sd15");
const GRID = { rows: 12, columns: 20 };

async function decode(folder: ModelFolder) {
  const { tiled, floats } = readRecord(path);
  assert.ok(tiled);
  const decoder = await loadDecoder(folder, {
    runtime: openRuntime({ provider: "cpu", threads: 1 }),
    clock: { runMs: 0 },
  });
  const pixels = await decoder.decode(floats(tiled.latent), GRID);
  await decoder.close();
  return pixels;
}

test("a picture too large for one decode is made of tiles as diffusers blends them", async () => {
  const folder = readModelFolder(path);
  const record = readRecord(path);
  assert.ok(record.tiled);
  const expected = record.bytes(record.tiled.picture);
  const far = (data: Uint8Array) =>
    data.filter((value, i) => Math.abs(value - (expected[i] ?? 0)) > 1).length / data.length;

  const tiled = await decode({ ...folder, settings: { ...folder.settings, decodePixels: 64 * 64 } });
  assert.deepEqual([tiled.width, tiled.height], [160, 96]);
  assert.ok(far(tiled.data) <= 1e-3, `${far(tiled.data)} of the values differ`);
  assert.ok(far((await decode(folder)).data) > 0.05, "in one run it is another picture");
});

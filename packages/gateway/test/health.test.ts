import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { eventually, startWorld } from "./support/gateway.ts";

/** A file system of two megabytes; undefined where this user may mount none. */
async function smallDisk() {
  const folder = await mkdtemp(join(tmpdir(), "atoma-small-"));
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]);
  const unmount = () => {
    if (status === 0) spawnSync("umount", [folder]);
  };
  return {
    folder,
    mounted: status === 0,
    async [Symbol.asyncDispose]() {
      unmount();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Writes until nothing more fits. */
async function fill(file: string): Promise<void> {
  for (let bytes = 2 ** 21; bytes >= 1; bytes = Math.floor(bytes / 2)) {
    await writeFile(file, Buffer.alloc(bytes), { flag: "a" }).catch(() => {});
  }
}

test("health is 503 from the first commit that fails on a full disk, until there is room again", async (t) => {
  await using disk = await smallDisk();
  if (!disk.mounted) return t.skip("only root may mount a small file system");
  let clock = Date.now();
  await using world = await startWorld({
    ledgerUrl: `sqlite:${join(disk.folder, "ledger.db")}`,
    ledgerNow: () => clock,
  });
  assert.equal((await world.get("/health")).status, 200);
  const filler = join(disk.folder, "filler");
  await fill(filler);
  // A commit fits into what the log has already, or does not; in the end one does not.
  await eventually(async () => (await world.generate({ response_format: "b64_json" })).status === 503);
  const refused = await world.generate();
  assert.deepEqual([refused.status, refused.json.error.code], [503, "overloaded"]);
  assert.match(refused.json.error.message, /The ledger cannot be reached or written now\./);
  assert.ok(Number(refused.headers.get("retry-after")) > 0);
  const full = await world.get("/health");
  assert.deepEqual([full.status, full.json.message], [503, "the ledger cannot be written"]);
  await rm(filler);
  clock += 1_000;
  assert.equal((await world.get("/health")).status, 200);
  assert.equal((await world.generate()).status, 200);
});

test("a folder of pictures that is gone: 503 with Retry-After, nothing is charged, and the file is not said to be unknown", async () => {
  const filesDir = await mkdtemp(join(tmpdir(), "atoma-files-"));
  await using world = await startWorld({ filesDir });
  const { pathname } = new URL((await world.generate({ response_format: "url" })).json.data[0].url);
  const before = await world.available();
  await rm(filesDir, { recursive: true });
  for (const answer of [await world.generate({ response_format: "url" }), await world.get(pathname)]) {
    assert.deepEqual([answer.status, answer.json.error.code], [503, "overloaded"]);
    assert.match(answer.json.error.message, /The store of pictures cannot be reached or written now\./);
    assert.equal(answer.headers.get("retry-after"), "2");
  }
  await eventually(async () => (await world.pending()) === 0);
  assert.equal(await world.available(), before);
  // What needs no file is made.
  assert.equal((await world.generate({ response_format: "b64_json" })).status, 200);
});

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { atoma } from "./support/up.ts";

const folder = await mkdtemp(join(tmpdir(), "atoma-mistakes-"));
after(() => rm(folder, { recursive: true }));
const NO_DATABASE = "not a database, and longer than the header of one: ".repeat(20);
const file = join(folder, "file");
await writeFile(file, NO_DATABASE);

/** What the user is told: one line, without a stack. */
async function told(args: readonly string[]): Promise<[code: number | null, line: string]> {
  const { code, out, err } = await atoma([...args, "--log-level", "silent"]);
  assert.equal(out, "");
  assert.match(err, /^atoma: [^\n]+\n$/);
  return [code, err.slice("atoma: ".length, -1)];
}

test("a data folder that cannot be one is named", async () => {
  assert.deepEqual(await told(["up", "--data", file, "--port", "0"]), [
    1,
    `--data: cannot make the folder ${file}: a part of the path is a file`,
  ]);
});

test("damaged credentials are named, and none of them is shown", async () => {
  const data = join(folder, "damaged");
  await mkdir(data);
  const path = join(data, "credentials.json");
  await writeFile(path, '{"apiKey":"sk-atoma-secret"');
  const [code, line] = await told(["generate", "a star", "-o", join(folder, "a.png"), "--data", data]);
  assert.deepEqual([code, line], [2, `${path} cannot be read; without it a start makes new keys`]);
});

test("a ledger that cannot be used says why", async () => {
  const data = join(folder, "ledger");
  await mkdir(data);
  await writeFile(join(data, "ledger.db"), NO_DATABASE);
  assert.deepEqual(await told(["accounts", "list", "--data", data]), [
    1,
    "the ledger's file cannot be used: file is not a database",
  ]);
  const nobody = "postgres://user:hunter2@127.0.0.1:1/atoma";
  const [code, line] = await told(["gateway", "--database-url", nobody, "--port", "0", "--data", data]);
  assert.deepEqual([code, line], [1, "the ledger's database cannot be reached: connect ECONNREFUSED 127.0.0.1:1"]);
});

test("a model folder that is none, and arguments that nobody knows", async () => {
  const none = join(folder, "none");
  assert.deepEqual(await told(["node", "--models", none, "--port", "0", "--data", folder]), [
    2,
    `there is no model folder and no installed model ${none}; installed: tiny`,
  ]);
  assert.deepEqual(await told(["node", "--models", folder, "--port", "0"]), [
    1,
    `${folder}: no model folder; it has no model_index.json, which diffusers and optimum write`,
  ]);
  assert.deepEqual(await told(["generate", "a star", "--size"]), [2, "Option '--size <value>' argument missing"]);
  assert.equal((await told(["generate", "a star", "--bogus", "1"]))[0], 2);
});

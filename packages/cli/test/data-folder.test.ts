import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Ledger, ownLedger, parseKey, verifySecret } from "@atoma/ledger";
import { readConfig } from "../src/config.ts";
import { type Credentials, ensureCredentials } from "../src/credentials.ts";
import { databaseUrl, lockDataFolder } from "../src/data-folder.ts";
import { atoma, root } from "./support/up.ts";

const FIRST_START = `${root}packages/cli/test/support/first-start.ts`;
const SNAPSHOTS = `${root}packages/cli/test/support/snapshot-steps.mjs`;
const GRANTED = 1_000_000_000_000;

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "atoma-data-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The words of the one line that the command says on its standard error. */
async function refusal(command: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { code, out, err } = await atoma([...command, "--port", "0", "--log-level", "silent"], env);
  assert.deepEqual([code, out], [1, ""], err);
  assert.match(err, /^atoma: [^\n]+\n$/);
  return err.slice("atoma: ".length, -1);
}

/** One account with its units, one key that is good, and it is the one that was written down. */
async function assertStarted(ledger: Ledger, { apiKey }: Credentials, note: string): Promise<void> {
  const accounts = await ledger.listAccounts();
  assert.deepEqual(
    accounts.map(({ name, credits }) => [name, credits]),
    [["default", GRANTED]],
    note,
  );
  const good = (await ledger.listKeys()).filter(({ revokedAt }) => revokedAt === null);
  const parsed = parseKey(apiKey) ?? assert.fail(note);
  assert.deepEqual([good.length, good[0]?.id], [1, parsed.keyId], note);
  assert.ok(good[0] && verifySecret(parsed.secret, good[0].secretHash), note);
  assert.deepEqual(await ledger.verify(), [], note);
}

test("a first start that is killed at any step is taken up by the next one: one account, one key", async (t) => {
  const folder = await newFolder(t);
  const snapshots = join(folder, "snapshots");
  await mkdir(snapshots);
  const args = ["--conditions=atoma-source", "--import", SNAPSHOTS, FIRST_START, join(folder, "data"), snapshots];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const steps = await readdir(snapshots);
  assert.ok(steps.length > 30, `only ${steps.length} steps`);
  for (const step of steps) {
    const config = readConfig({ flags: { data: join(snapshots, step) }, env: {} });
    using _ = lockDataFolder(config);
    const ledger = await ownLedger(databaseUrl(config));
    const credentials = await ensureCredentials(config, ledger);
    await assertStarted(ledger, credentials, `killed after step ${step}`);
    assert.deepEqual(await ensureCredentials(config, ledger), credentials);
    await ledger.close();
    const left = (await readdir(config.data)).sort();
    assert.deepEqual(left, ["credentials.json", "ledger.db", "ledger.db.lock", "up.lock"], `after step ${step}`);
  }
});

test("what an older version or another program left in place of the locks locks nobody out", async (t) => {
  for (const left of ["", "1", String(process.pid), "no database\n".repeat(1_000)]) {
    const data = await newFolder(t);
    for (const name of ["up.pid", "up.lock", "ledger.db.lock"]) await writeFile(join(data, name), left);
    await writeFile(join(data, "credentials.json"), "");
    const config = readConfig({ flags: { data }, env: {} });
    using _ = lockDataFolder(config);
    const ledger = await ownLedger(databaseUrl(config));
    await assertStarted(ledger, await ensureCredentials(config, ledger), left);
    await ledger.close();
  }
});

test("of four first starts at once one has the folder, and the others say so", async (t) => {
  const data = await newFolder(t);
  const start = async () => {
    const child = spawn(process.execPath, ["--conditions=atoma-source", FIRST_START, data]);
    let err = "";
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    const [code] = (await once(child, "close")) as [number];
    return { code, err };
  };
  const ended = await Promise.all([start(), start(), start(), start()]);
  for (const { code, err } of ended) {
    if (code !== 0) assert.match(err, /DataFolderError: another atoma .*uses the data folder/);
  }
  assert.ok(ended.some(({ code }) => code === 0));
  const config = readConfig({ flags: { data }, env: {} });
  const ledger = await ownLedger(databaseUrl(config));
  await assertStarted(ledger, await ensureCredentials(config, ledger), "after four");
  await ledger.close();
});

test("a folder that nobody can make is refused at once", async (t) => {
  const file = join(await newFolder(t), "file");
  await writeFile(file, "");
  assert.equal(
    await refusal(["up", "--data", "/proc/nowhere/deep"]),
    "--data: cannot make the folder /proc/nowhere/deep: it cannot be made there",
  );
  assert.match(await refusal(["gateway", "--data", join(file, "below")]), /: a part of the path is a file$/);
  const elsewhere = { ATOMA_DATABASE_URL: "sqlite:/proc/nowhere/deep/ledger.db" };
  assert.match(
    await refusal(["gateway", "--data", await newFolder(t)], elsewhere),
    /ledger\.db cannot be (used|locked): it cannot be made there$/,
  );
});

/** A folder with a file system of so many bytes; undefined where this user may not mount one. */
async function mountedFolder(t: TestContext, bytes: number): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "atoma-small-"));
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder]);
  t.after(async () => {
    if (status === 0) execFileSync("umount", [folder]);
    await rm(folder, { recursive: true });
  });
  if (status === 0) return folder;
  t.skip(`a file system cannot be mounted here: ${stderr}`);
  return undefined;
}

test("a full disk is told in one line at whatever step, and a start with room takes it up", async (t) => {
  const folder = await mountedFolder(t, 4096);
  if (folder === undefined) return;
  const data = join(folder, "data");
  const remount = (options: string) => execFileSync("mount", ["-o", `remount,${options}`, folder]);
  // A page is 4 KiB: no room for the folder's first file up to no room for the last.
  for (const bytes of [4096, 16_384, 40_960, 65_536, 98_304]) {
    remount(`size=${bytes}`);
    await rm(data, { recursive: true, force: true });
    assert.match(await refusal(["up", "--data", data]), /full/, `on ${bytes} bytes`);
  }
  remount("size=64m");
  const config = readConfig({ flags: { data }, env: {} });
  const ledger = await ownLedger(databaseUrl(config));
  await assertStarted(ledger, await ensureCredentials(config, ledger), "with room");
  await ledger.close();
});

test("a read-only file system and a folder of another user are told in one line", async (t) => {
  const folder = await mountedFolder(t, 1_048_576);
  if (folder === undefined) return;
  const data = join(folder, "data");
  await mkdir(data);
  execFileSync("mount", ["-o", "remount,ro", folder]);
  assert.match(await refusal(["up", "--data", data]), /read-only/);
  assert.match(await refusal(["gateway", "--data", data]), /read-only/);
  assert.match(await refusal(["up", "--data", join(folder, "other")]), /read-only/);
});

test("a folder that this user may not write to is told in one line", async (t) => {
  const data = await newFolder(t);
  await chmod(data, 0o500);
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  for (const command of ["up", "gateway"]) {
    const args = [
      "--conditions=atoma-source",
      `${root}packages/cli/src/main.ts`,
      command,
      "--data",
      data,
      "--port",
      "0",
    ];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", cwd: "/", ...nobody });
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^atoma: [^\n]*(permission|cannot be)[^\n]*\n$/);
  }
});

test("what holds secrets is for its owner only", async (t) => {
  const data = await newFolder(t);
  const config = readConfig({ flags: { data }, env: {} });
  const ledger = await ownLedger(databaseUrl(config));
  await ensureCredentials(config, ledger);
  for (const name of await readdir(data)) {
    if (name.endsWith(".lock")) assert.equal((await stat(join(data, name))).size, 0);
    else assert.equal((await stat(join(data, name))).mode & 0o777, 0o600, name);
  }
  await chmod(join(data, "credentials.json"), 0o644);
  await ensureCredentials(config, ledger);
  assert.equal((await stat(join(data, "credentials.json"))).mode & 0o777, 0o600);
  assert.ok((await readFile(join(data, "credentials.json"), "utf8")).endsWith("\n"));
  await ledger.close();
});

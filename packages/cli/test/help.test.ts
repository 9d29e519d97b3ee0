import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openLedger } from "@atoma/ledger";
import { COMMANDS, isCommand } from "../src/command-help.ts";
import { helpFor } from "../src/help.ts";
import { table } from "../src/table.ts";
import { atoma, root } from "./support/up.ts";

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "atoma-help-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

test("every command has a page of its own, with what it takes and an example", () => {
  const general = helpFor(undefined);
  for (const name of Object.keys(COMMANDS)) {
    assert.ok(isCommand(name));
    assert.match(general, new RegExp(`^ {2}${name} `, "m"));
    const page = helpFor(name);
    assert.match(page, new RegExp(`^usage: atoma ${name}`));
    assert.match(page, new RegExp(`^ {2}\\$ atoma ${name}`, "m"), "an example");
    if (name !== "up" && name !== "gateway") assert.ok(!page.includes("--max-body-bytes"), `${name} reads it not`);
    for (const line of page.split("\n")) assert.ok(line.length <= 125, line);
  }
  assert.match(helpFor("settings"), /^ {2}--queue-timeout-s +how long a request may wait there \(60\)$/m);
  assert.throws(() => helpFor("nonsense"), { name: "UsageError" });
});

test("help is given wherever it is asked for, and loads nothing else", async () => {
  for (const args of [
    ["keys", "--help"],
    ["help", "keys"],
    ["keys", "create", "-h"],
  ]) {
    const { code, out, err } = await atoma(args);
    assert.deepEqual([code, err], [0, ""], args.join(" "));
    assert.equal(out, helpFor("keys"));
  }
  assert.equal((await atoma([])).out, helpFor(undefined));
  const unknown = await atoma(["kyes"]);
  assert.deepEqual([unknown.code, unknown.out], [2, ""]);
  assert.equal(unknown.err, "atoma: unknown command: kyes; `atoma help` lists them\n");
});

test("--version says the version of this installation", async () => {
  const { version } = JSON.parse(await readFile(`${root}packages/cli/package.json`, "utf8"));
  for (const flag of ["--version", "version"]) assert.equal((await atoma([flag])).out, `${version}\n`);
});

test("a command loads what it needs only", async (t) => {
  const data = await newFolder(t);
  const loaded = (...args: string[]): string[] => {
    const script = `
      import { registerHooks } from "node:module";
      const seen = new Set();
      registerHooks({ load: (url, context, next) => (seen.add(url), next(url, context)) });
      process.on("exit", () => console.error("LOADED " + JSON.stringify([...seen])));`;
    const preload = `data:text/javascript,${encodeURIComponent(script)}`;
    const main = `${root}packages/cli/src/main.ts`;
    const { stderr } = spawnSync(process.execPath, ["--conditions=atoma-source", "--import", preload, main, ...args], {
      encoding: "utf8",
    });
    return JSON.parse(/^LOADED (.*)$/m.exec(stderr)?.[1] ?? assert.fail(stderr));
  };
  const heavy = /\/packages\/(gateway|node|engine|sdk|contract|http)\/|node_modules\/(pg|fastify|pino|undici)\//;
  for (const args of [
    ["--version"],
    ["help"],
    ["accounts", "list", "--data", data],
    ["keys", "list", "--data", data],
  ]) {
    const modules = loaded(...args);
    assert.deepEqual(
      modules.filter((url) => heavy.test(url)),
      [],
      args.join(" "),
    );
    assert.ok(modules.length < (args.includes("list") ? 90 : 12), `${args.join(" ")}: ${modules.length} modules`);
  }
});

test("lists have a head, and --json is JSON", async (t) => {
  const data = await newFolder(t);
  const run = async (...args: string[]) => {
    const { code, out, err } = await atoma([...args, "--data", data]);
    assert.equal(code, 0, err);
    return out;
  };
  assert.equal(await run("accounts", "list"), "ACCOUNT  NAME  AVAILABLE  POSTED  PENDING\n");
  assert.equal(await run("accounts", "list", "--json"), "[]\n");
  const account = JSON.parse(await run("accounts", "create", "team", "--json"));
  const granted = JSON.parse(await run("accounts", "grant", account.id, "500", "first", "--json"));
  assert.deepEqual([granted.available, granted.already_granted], [500, false]);
  const again = JSON.parse(await run("accounts", "grant", account.id, "500", "first", "--json"));
  assert.deepEqual([again.available, again.already_granted], [500, true]);
  const { key, ...created } = JSON.parse(await run("keys", "create", account.id, "laptop", "--json"));
  assert.match(key, /^sk-atoma-/);
  const list = await run("keys", "list", "--json");
  assert.deepEqual(JSON.parse(list), [created]);
  assert.ok(!list.includes(key) && !/hash|secret/.test(list));
  assert.match(
    await run("keys", "list"),
    /^KEY +ACCOUNT +NAME +ENDS IN +STATE .*\n\S+ +acct_\S+ +laptop +…\S{4} +active /,
  );
  assert.match(await run("accounts", "list"), /^ACCOUNT .*\nacct_\S+ +team +500 +0 +0\n$/);
  assert.equal(JSON.parse(await run("keys", "revoke", created.id, "--json")).state, "revoked");
  assert.equal(await run("ledger", "verify", "--json"), "[]\n");
  for (const wrong of [["accounts", "list", "--bogus"], ["keys"], ["keys", "create"]]) {
    const { code, err } = await atoma([...wrong, "--data", data]);
    assert.equal(code, 2);
    assert.match(err, /^atoma: usage: atoma /);
  }
});

test("lists show every account, however many there are", async (t) => {
  const data = await newFolder(t);
  const ledger = await openLedger(`sqlite:${join(data, "ledger.db")}`);
  await Promise.all(Array.from({ length: 1_001 }, (_, i) => ledger.createAccount({ name: `a${i}` })));
  await ledger.close();
  const { out } = await atoma(["accounts", "list", "--json", "--data", data]);
  assert.equal(JSON.parse(out).length, 1_001);
});

test("a table's columns are as wide as what is in them, numbers to the right", () => {
  assert.equal(
    table(
      ["A", "LONG"],
      [
        ["wide cell", 5],
        ["x", 12345],
      ],
    ),
    "A           LONG\nwide cell      5\nx          12345\n",
  );
});

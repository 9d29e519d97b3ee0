import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { programFolder, programsOf, REPOSITORY, runProgram, writeProgram } from "./support/programs.ts";

/** Starts what `npm start` starts: gateway, node and the tiny model. */
const dataDir = mkdtempSync(join(tmpdir(), "atoma-sdk-up-"));
const args = [join(REPOSITORY, "scripts", "start.mjs"), "--json", "--port", "0", "--data", dataDir];
const up = spawn(process.execPath, args, { cwd: REPOSITORY, stdio: ["ignore", "pipe", "pipe"] });
let log = "";
up.stderr.on("data", (chunk) => {
  log += chunk;
});
const exited = once(up, "exit");
after(async () => {
  up.kill("SIGTERM");
  await exited;
  rmSync(dataDir, { recursive: true, force: true });
});
const [line] = await Promise.race([once(createInterface({ input: up.stdout }), "line"), exited]);
assert.match(String(line), /^\{/, log);
const { url, apiKey }: { url: string; apiKey: string } = JSON.parse(String(line));

const folder = programFolder();
const programs = programsOf("sdk/migration.md");

test("docs/sdk/migration.md has a program for each of four clients", () => {
  const imports = programs.map(({ text }) => /from "(openai|ai|@langchain\/openai|atoma-sdk)"/.exec(text)?.[1]);
  assert.deepEqual(imports, ["openai", "ai", "@langchain/openai", "atoma-sdk"]);
});

for (const [i, program] of programs.entries()) {
  test(`program ${i + 1} of docs/sdk/migration.md draws a picture with atoma up`, async () => {
    await runProgram(folder, writeProgram(folder, program, url), [], apiKey);
    const picture = readFileSync(join(folder, "picture.png"));
    rmSync(join(folder, "picture.png"));
    assert.equal(picture.subarray(0, 8).toString("hex"), "89504e470d0a1a0a");
    assert.deepEqual([picture.readUInt32BE(16), picture.readUInt32BE(20)], [256, 256]);
  });
}

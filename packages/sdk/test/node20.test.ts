import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { node20 } from "./support/node20.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
/** These start other programs, and take care of Node 20 themselves. */
const NOT_HERE = [
  "clock.test.ts",
  "tls.test.ts",
  "package.test.ts",
  "platforms.test.ts",
  "node20.test.ts",
  "guide.test.ts",
  "examples.test.ts",
  "migration.test.ts",
  "reference.test.ts",
  "original.test.ts",
  "soak.test.ts",
];

test("the cases of this folder on Node 20", async (t) => {
  const out = mkdtempSync(join(tmpdir(), "atoma-sdk-node20-"));
  t.after(() => rmSync(out, { recursive: true }));
  const names = globSync("*.test.ts", { cwd: HERE }).filter((name) => !NOT_HERE.includes(name));
  await build({
    entryPoints: names.map((name) => join(HERE, name)),
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true, // one copy of each module for imports that are made while running
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "error",
  });
  const files = globSync("*.test.mjs", { cwd: out }).map((name) => join(out, name));
  assert.equal(files.length, names.length);
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const { stdout, status } = spawnSync(await node20(), ["--test", "--test-concurrency=4", ...files], {
    encoding: "utf8",
    env,
  });
  const count = Number(/^# pass (\d+)/m.exec(stdout)?.[1] ?? /pass (\d+)/.exec(stdout)?.[1]);
  t.diagnostic(`${count} passed on Node 20`);
  assert.equal(status, 0, failures(stdout));
  assert.ok(count > 100, stdout.slice(-2000));
});

/** The parts of a TAP report about tests that failed. */
function failures(report: string): string {
  return report
    .split(/^(?=\s*# Subtest)/m)
    .filter((part) => /^\s*not ok/m.test(part))
    .join("");
}

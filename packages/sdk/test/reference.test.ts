import assert from "node:assert/strict";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { run } from "./support/packed.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const REFERENCE = join(ROOT, "..", "..", "docs", "sdk", "reference");

function pages(folder: string): Map<string, string> {
  const names = globSync("**/*.md", { cwd: folder }).sort();
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

test("docs/sdk/reference is what TypeDoc makes of the source; else: npm run reference --workspace atoma-sdk", async (t) => {
  const out = mkdtempSync(join(tmpdir(), "atoma-sdk-reference-"));
  t.after(() => rmSync(out, { recursive: true }));
  const typedoc = join(ROOT, "node_modules", "typedoc", "bin", "typedoc");
  await run(process.execPath, [typedoc, "--out", out], { cwd: ROOT });
  const [made, kept] = [pages(out), pages(REFERENCE)];
  assert.ok(made.size > 20);
  assert.deepEqual([...kept.keys()], [...made.keys()]);
  for (const [name, text] of made) assert.equal(kept.get(name), text, name);
});

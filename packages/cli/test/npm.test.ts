import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { newDataDir, root } from "./support/up.ts";

/** Runs npm until a line of its output matches, and gives that. */
async function npm(args: readonly string[], line: RegExp) {
  const child = spawn("npm", args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  // Whoever writes to npm's output holds it: it closes when the last of them has ended.
  const closed = once(child.stdout, "close");
  const lines = createInterface({ input: child.stdout });
  for await (const text of lines) if (line.test(text)) return { child, text, closed };
  throw new Error(`npm ${args.join(" ")} ended`);
}

test("S-076 npm start that gets SIGTERM leaves nothing running", async (t) => {
  const dataDir = await newDataDir();
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const started = await npm(["start", "--", "--json", "--port", "0", "--data", dataDir], /^\{/);
  const { url, pid } = JSON.parse(started.text);
  started.child.kill("SIGTERM");
  await started.closed;
  assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  await assert.rejects(fetch(`${url}/health`));
});

test("S-076 npm run atoma -- node, too, ends with npm", async () => {
  const args = ["run", "atoma", "--", "node", "--models", "models/tiny", "--port", "0", "--log-level", "silent"];
  const started = await npm(args, /^node ready at /);
  started.child.kill("SIGTERM");
  await started.closed;
  await assert.rejects(fetch(`${started.text.replace("node ready at ", "")}/healthz`));
});

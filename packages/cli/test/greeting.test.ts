import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { test } from "node:test";
import { newDataDir, root } from "./support/up.ts";

/** Runs `atoma up` until all of its greeting is there. */
async function greeted(dataDir: string, ...flags: string[]) {
  const args = ["--conditions=atoma-source", `${root}packages/cli/src/main.ts`, "up", "--port", "0", "--data", dataDir];
  const child = spawn(process.execPath, [...args, ...flags], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  for await (const part of child.stdout.iterator({ destroyOnReturn: false })) {
    text += part;
    if (text.includes("> picture.png\n")) break;
  }
  return {
    text,
    async stop() {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    },
  };
}

function signIn(dashboard: string, adminKey: string) {
  const body = JSON.stringify({ admin_key: adminKey });
  const headers = { "content-type": "application/json", origin: new URL(dashboard).origin };
  return fetch(new URL("/admin/session", dashboard), { method: "POST", headers, body });
}

test("atoma up says where the dashboard is and where its key is", async (t) => {
  const dataDir = await newDataDir();
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const up = await greeted(dataDir);
  t.after(() => up.stop());
  const [, url = "", file = ""] = /dashboard: (\S+) \(its key: adminKey in (.+)\)/.exec(up.text) ?? [];
  const { adminKey } = JSON.parse(await readFile(file, "utf8"));
  assert.equal((await signIn(url, adminKey)).status, 204);
});

test("atoma up does not name the made key where an admin key is configured", async (t) => {
  const dataDir = await newDataDir();
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const up = await greeted(dataDir, "--admin-key", "an-admin-key-of-our-own");
  t.after(() => up.stop());
  const [, url = ""] = /dashboard: (\S+) \(its key: the admin_key you set\)/.exec(up.text) ?? [];
  assert.equal((await signIn(url, "an-admin-key-of-our-own")).status, 204);
});

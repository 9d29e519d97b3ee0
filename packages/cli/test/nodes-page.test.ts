import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ForeignServer, startForeignServer } from "@atoma/gateway/test-support/foreign-servers";
import { eventually, startWorld } from "@atoma/gateway/test-support/gateway";
import { startScriptedNode } from "@atoma/gateway/test-support/scripted-node";
import sharp from "sharp";
import { readConfig } from "../src/config.ts";

const folder = mkdtempSync(join(tmpdir(), "atoma-nodes-page-"));
after(() => rmSync(folder, { recursive: true }));

const page = readFileSync(new URL("../../../docs/nodes.md", import.meta.url), "utf8");
const [, toml = ""] = /```toml\n(.*?)```/s.exec(page) ?? [];
const file = join(folder, "atoma.toml");
writeFileSync(file, toml);
const { nodes } = readConfig({ env: {}, flags: { config: file } });

test("each kind of node, in the lines that docs/nodes.md has for it, makes pictures", async (t) => {
  await using own = await startScriptedNode();
  await using servers = new AsyncDisposableStack();
  const started = new Map<string, ForeignServer>();
  for (const { dialect = "atoma", name } of nodes) {
    if (dialect !== "atoma") started.set(name, servers.use(await startForeignServer(dialect)));
  }
  const here = nodes.map((node) => ({ ...node, url: started.get(node.name)?.url ?? own.url }));
  await using world = await startWorld({ nodes: here });

  for (const { name, token, models } of nodes) {
    const [model] = models ?? [];
    await t.test(name, async () => {
      const id = model?.card.id ?? "scripted";
      const seen = () => started.get(name)?.requests.at(-1) ?? own.requests.at(-1);
      await eventually(async () => (await world.get(`/v1/models/${id}`)).status === 200);
      const answer = await world.generate({ model: id, response_format: "b64_json" });
      assert.equal(answer.status, 200, answer.text);
      const { width, height } = await sharp(Buffer.from(answer.json.data[0].b64_json, "base64")).metadata();
      assert.equal(`${width}x${height}`, model?.card.defaultSize ?? "64x64");
      assert.equal(seen()?.headers.authorization, token && `Bearer ${token}`);
      if (model) assert.equal(started.get(name)?.requests[0]?.body.model, model.upstream);
    });
  }
});

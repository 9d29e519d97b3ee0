import assert from "node:assert/strict";
import { cp, mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { atoma, root } from "./support/up.ts";

test("a node that other machines can reach without a token says what to set, and ends", async () => {
  const args = ["node", "--models", `${root}models/tiny`, "--host", "0.0.0.0", "--port", "0", "--log-level", "silent"];
  const { code, err } = await atoma(args);
  assert.equal(code, 2);
  assert.match(err, /host: a node that listens on 0\.0\.0\.0 can be used by other machines/);
  assert.match(err, /set node_token or node_tls_client_ca, or node_auth to none/);
});

test("a node whose model cannot be loaded says which file is wrong, and ends", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "atoma-node-"));
  t.after(() => rm(folder, { recursive: true }));
  const model = join(folder, "tiny");
  await cp(`${root}models/tiny`, model, { recursive: true });
  await truncate(join(model, "text_encoder/model.onnx"), 1000);
  const { code, err } = await atoma(["node", "--models", model, "--port", "0", "--log-level", "silent"]);
  assert.equal(code, 1);
  assert.match(err, /text_encoder\/model\.onnx/);
});

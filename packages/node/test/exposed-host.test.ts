import assert from "node:assert/strict";
import { test } from "node:test";
import { isExposed } from "../src/exposed-host.ts";
import { startNode } from "../src/index.ts";
import { TINY } from "./support.ts";

test("what other machines can reach is told from what stays on this one", () => {
  for (const host of [
    "127.0.0.1",
    "127.8.9.1",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::ffff:127.0.0.1",
    "localhost",
    "a.localhost",
  ]) {
    assert.equal(isExposed(host), false, host);
  }
  for (const host of [
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "128.0.0.1",
    "fe80::1",
    "::ffff:10.0.0.1",
    "localhost.example",
    "",
  ]) {
    assert.equal(isExposed(host), true, host);
  }
});

test("a node that other machines can reach does not start unless it asks for a token, or is told to serve anybody", async () => {
  const models = [{ path: TINY }];
  for (const host of ["0.0.0.0", "::"]) {
    await assert.rejects(startNode({ host, models }), { name: "ExposedNodeError" });
  }
  const token = await startNode({ host: "0.0.0.0", models, token: "sesame", threads: 1 });
  await token.close(0);
  const open = await startNode({ host: "0.0.0.0", models, unauthenticated: true, threads: 1 });
  assert.equal((await fetch(`http://127.0.0.1:${open.port}/v1/models`)).status, 200);
  await open.close(0);
});

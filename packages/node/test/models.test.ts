import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelFolderError } from "@atoma/engine";
import { startNode } from "../src/index.ts";
import { json, loadedNode, TINY } from "./support.ts";

interface ModelObject {
  readonly id: string;
  readonly object: string;
  readonly capabilities: { readonly output_formats: readonly string[] };
}

test("models are listed with what they can do, and found by id", async () => {
  await using node = await loadedNode({ models: [{ path: TINY, id: "maker/tiny model" }] });
  const list = await json<{ object: string; data: ModelObject[] }>(await fetch(`${node.url}/v1/models`));
  assert.equal(list.object, "list");
  assert.equal(list.data[0]?.id, "maker/tiny model");
  assert.deepEqual(list.data[0]?.capabilities.output_formats, ["png", "webp", "jpeg"]);
  for (const path of ["maker%2Ftiny%20model", "maker/tiny%20model"]) {
    const response = await fetch(`${node.url}/v1/models/${path}`);
    assert.equal(response.status, 200, path);
    assert.deepEqual(await response.json(), list.data[0]);
  }
  // Decoded once: this asks for an id with a percent sign.
  assert.equal((await fetch(`${node.url}/v1/models/maker%252Ftiny%20model`)).status, 404);
});

test("a node lives before it is ready", async () => {
  const node = await startNode({ models: [{ path: TINY }], threads: 1 });
  try {
    const state = async (path: string) => (await fetch(node.url + path)).status;
    assert.equal(await state("/healthz"), 200);
    assert.equal(await state("/readyz"), 503);
    await node.ready;
    assert.equal(await state("/readyz"), 200);
  } finally {
    await node.close(0);
  }
});

test("a folder that is none, and a name taken twice, are told before anything listens", async () => {
  await assert.rejects(startNode({ models: [{ path: "/nowhere" }] }), ModelFolderError);
  const twice = [
    { path: TINY, id: "a" },
    { path: TINY, id: "a" },
  ];
  await assert.rejects(startNode({ models: twice }), /the name a is taken/);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkNode, type NodeConfig, readForeignModel } from "../src/index.ts";
import { type ForeignName, KINDS, startForeignServer } from "./support/foreign-servers.ts";
import { startScriptedNode } from "./support/scripted-node.ts";

async function check(config: NodeConfig, generate: boolean, model?: string) {
  const lines: string[] = [];
  const fine = await checkNode(config, { generate, model, print: (line) => void lines.push(line) });
  return { fine, text: lines.join("\n") };
}

for (const dialect of Object.keys(KINDS) as ForeignName[]) {
  test(`${dialect}: what it can be told, and one small picture if it may`, async () => {
    await using server = await startForeignServer(dialect);
    const models = [readForeignModel({ id: "m", upstream: "gpt-image-1" }, dialect)];
    const config = { name: "n", url: server.url, dialect, models };
    const plain = await check(config, false);
    assert.ok(plain.fine, plain.text);
    assert.match(plain.text, /^ok: a \S+ node is ready/);
    assert.match(plain.text, /no picture was made/);
    assert.equal(server.requests.length, 0);
    const made = await check(config, true);
    assert.ok(made.fine, made.text);
    assert.match(made.text, /^makes one picture of \d+x\d+ with m …\nok: png of/m);
    assert.equal(server.requests.length, 1);

    server.fault = (response) => void response.end('{"data":[{"url":"/tmp/x.png"}]}');
    const wrong = await check(config, true);
    assert.ok(!wrong.fine);
    assert.match(
      wrong.text,
      /^wrong: The node could not make the picture\.\n {7}the picture's URL is not of the node's own/m,
    );
  });
}

test("our own node tells its models; nobody there, and a model that is not there, are told", async () => {
  await using node = await startScriptedNode();
  const config = { name: "n", url: node.url };
  const made = await check(config, true, "scripted");
  assert.ok(made.fine, made.text);
  assert.match(made.text, /^models: scripted$/m);
  const other = await check(config, true, "nope");
  assert.deepEqual([other.fine, /^wrong: it does not offer nope$/m.test(other.text)], [false, true]);
  const gone = await startScriptedNode();
  await gone[Symbol.asyncDispose]();
  const away = await check({ name: "n", url: gone.url }, true);
  assert.ok(!away.fine);
  assert.match(away.text, /^wrong: no atoma node is ready at/);
});

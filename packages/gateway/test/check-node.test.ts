import assert from "node:assert/strict";
import { test } from "node:test";
import { checkNode, type NodeConfig, readForeignModel } from "../src/index.ts";
import { type ForeignName, KINDS } from "./support/foreign-kinds.ts";
import { startForeignServer } from "./support/foreign-servers.ts";
import { startWorld } from "./support/gateway.ts";
import { startScriptedNode } from "./support/scripted-node.ts";

async function check(config: NodeConfig, generate: boolean, model?: string) {
  const lines: string[] = [];
  const fine = await checkNode(config, { generate, model, print: (line) => void lines.push(line) });
  return { fine, text: lines.join("\n") };
}

const LINES = 24;

/** What the report of each kind says that it can be told, and what is refused. */
const TOLD: Record<ForeignName, [told: RegExp, refused: RegExp]> = {
  openai: [
    /transparency · output compression · .* edits · masks · formats png, webp, jpeg$/,
    /seeds · steps · guidance scale/,
  ],
  "vllm-omni": [/seeds \(of one picture\) · steps · guidance scale.* · edits/, /output compression · masks$/],
  sglang: [/seeds · steps · .*output compression.* · edits/, /transparency · masks$/],
  sdcpp: [/seeds · steps · .*output compression.* · edits/, /transparency · masks$/],
  mistralrs: [/^ {2}can be told: {2}formats png$/, /seeds · steps · .*several pictures at once · edits · masks$/],
  localai: [/steps · negative prompts · .*formats png$/, /seeds · guidance scale/],
};

for (const dialect of Object.keys(KINDS) as ForeignName[]) {
  const configOf = (url: string) => {
    const models = [readForeignModel({ id: "m", upstream: "gpt-image-1" }, dialect)];
    return { name: "n", url, dialect, models };
  };

  test(`${dialect}: what it can be told, and one small picture if it may`, async () => {
    await using server = await startForeignServer(dialect);
    const plain = await check(configOf(server.url), false);
    assert.ok(plain.fine, plain.text);
    const lines = plain.text.split("\n");
    assert.ok(lines.length < LINES);
    assert.match(
      lines[0] ?? "",
      new RegExp(`^ok: ready at http://127.0.0.1:\\d+, dialect ${dialect}, at most \\d+ at a time$`),
    );
    assert.match(
      lines[1] ?? "",
      KINDS[dialect].metrics ? /^ {2}load: 0 requests, by its metrics$/ : /^ {2}load: not told/,
    );
    const [told, refused] = TOLD[dialect];
    assert.match(lines[2] ?? "", told);
    assert.match(lines[3] ?? "", refused);
    assert.match(plain.text, /^ {2}m \(there: gpt-image-1\): \d+x\d+ /m);
    assert.match(plain.text, /no picture was made/);
    assert.equal(server.requests.length, 0);
    const made = await check(configOf(server.url), true);
    assert.ok(made.fine, made.text);
    assert.match(made.text, /^makes one picture of (\d+x\d+) with m …\nok: png of \1, \d+ bytes, in \d+\.\d s$/m);
    assert.equal(server.requests.length, 1);
  });

  test(`${dialect}: what it gets wrong is told`, async () => {
    await using server = await startForeignServer(dialect);
    const { url } = server;
    server.listed = ["other", "another"];
    assert.match((await check(configOf(url), false)).text, /^note: it does not list gpt-image-1, but other, another$/m);
    const faults: [typeof server.fault, RegExp][] = [
      [(response) => void response.end('{"data":[{"url":"/tmp/x.png"}]}'), /picture's URL is not of the node's own/],
      [(response) => void response.end("<html>"), /not JSON/],
      [
        (response) => void response.writeHead(404).end('{"error":{"code":"model_not_found"}}'),
        /status 404, model_not_/,
      ],
      [(response) => void response.writeHead(401).end(), /refused the gateway's credential: status 401/],
    ];
    for (const [fault, message] of faults) {
      server.fault = fault;
      const wrong = await check(configOf(url), true);
      assert.equal(wrong.fine, false);
      assert.match(wrong.text, /^wrong: /m);
      assert.match(wrong.text, message);
    }
    const other = await check({ name: "n", url }, false);
    assert.equal(other.fine, false);
    assert.match(other.text, /^wrong: .*\n(?:.*\n)? {7}it is no node of our own: --dialect/m);
  });
}

test("our own node tells its models and its load; nobody there, and a model that is not there, are told", async () => {
  await using node = await startScriptedNode();
  const config = { name: "n", url: node.url };
  const made = await check(config, true, "scripted");
  assert.ok(made.fine, made.text);
  assert.match(made.text, /^ {2}scripted: 64x64 \(edges to 3840, of 16\) · 4 steps \(to 50\) · streams$/m);
  const other = await check(config, true, "nope");
  assert.deepEqual([other.fine, /^wrong: it does not offer nope$/m.test(other.text)], [false, true]);
  const gone = await startScriptedNode();
  await gone[Symbol.asyncDispose]();
  const away = await check({ name: "n", url: gone.url }, true);
  assert.ok(!away.fine);
  assert.match(away.text, /^wrong: no node of the dialect atoma is ready at .*\n.*ECONNREFUSED/);
});

test("a gateway is a node of the dialect openai for another one, and says so", async () => {
  await using world = await startWorld();
  const { url } = world.gateway;
  const asOwn = await check({ name: "n", url, token: world.key }, false);
  assert.match(asOwn.text, /of a gateway: openai/);
  const models = [readForeignModel({ id: "scripted", default_size: "1024x1024" }, "openai")];
  const config = { name: "n", url, dialect: "openai", models } as const;
  assert.match((await check(config, false)).text, /it asks for a token: --token$/m);
  assert.match((await check({ ...config, token: "wrong" }, false)).text, /it refuses this token$/m);
  const made = await check({ ...config, token: world.key }, true);
  assert.ok(made.fine, made.text);
});

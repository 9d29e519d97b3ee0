import assert from "node:assert/strict";
import { test } from "node:test";
import type { TlsOptions } from "node:tls";
import sharp from "sharp";
import { type NodeConfig, type NodeTls, readForeignModel } from "../src/index.ts";
import { type ForeignName, KINDS } from "./support/foreign-kinds.ts";
import { startForeignServer } from "./support/foreign-servers.ts";
import { eventually, startWorld } from "./support/gateway.ts";
import { finish, sendPicture, startScriptedNode } from "./support/scripted-node.ts";
import { newAuthority, startTlsFront } from "./support/tls.ts";

const authority = newAuthority("nodes");
const strangers = newAuthority("strangers");
const server = authority.issue("server");
const gateway = authority.issue("gateway");
const stranger = strangers.issue("stranger");

/** Of a node that only answers who has a certificate of its authority. */
const strict: TlsOptions = { ...server, ca: authority.cert, requestCert: true, rejectUnauthorized: true };
const tls: NodeTls = { ca: authority.cert, cert: gateway.cert, key: gateway.key };
const size = "1024x1024";

const foreign = (name: ForeignName, url: string): NodeConfig => ({
  name,
  url,
  tls,
  dialect: name,
  models: [readForeignModel({ id: "scripted", upstream: "gpt-image-1" }, name)],
});

test("our own node is probed, asked and asked about again with the gateway's certificate", async () => {
  await using node = await startScriptedNode();
  await using front = await startTlsFront(node.url, strict);
  await using world = await startWorld({ nodes: [{ name: "n1", url: front.url, tls, token: "node-secret" }] });
  assert.equal((await world.generate()).status, 200);
  let pieces = 0;
  node.behave = async (job, response) => {
    await sendPicture(job, response, 0, 1);
    pieces++;
    if (pieces === 1) return front.cut();
    finish(response);
  };
  node.remember = (_request, response) => {
    const job = node.requests.at(-1)?.job ?? assert.fail();
    void sendPicture(job, response, 0, 1).then(() => finish(response));
  };
  assert.equal((await world.generate()).status, 200);
  assert.equal(node.requests.length, 2, "the second is taken up, not made again");
  assert.deepEqual(
    node.asked.map((asked) => asked.split(" ", 1)[0]),
    ["GET"],
  );
  assert.ok(front.clients.length >= 3);
  assert.deepEqual(new Set(front.clients), new Set(["nodes-gateway"]));
});

for (const name of Object.keys(KINDS) as ForeignName[]) {
  test(`${name} behind a proxy that asks for a certificate makes a picture`, async () => {
    await using node = await startForeignServer(name);
    await using front = await startTlsFront(node.url, strict);
    await using world = await startWorld({ nodes: [foreign(name, front.url)] });
    const answer = await world.generate({ size });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(new Set(front.clients), new Set(["nodes-gateway"]));
  });
}

test("a picture that is answered as a URL is fetched with the same certificate", async () => {
  await using node = await startForeignServer("openai");
  await using front = await startTlsFront(node.url, strict);
  const [width, height] = [1024, 1024];
  node.files.set(
    "/made.png",
    await sharp({ create: { width, height, channels: 3, background: "teal" } })
      .png()
      .toBuffer(),
  );
  node.fault = (response) => void response.end(JSON.stringify({ data: [{ url: `${front.url}/made.png` }] }));
  await using world = await startWorld({ nodes: [foreign("openai", front.url)] });
  assert.equal((await world.generate({ size })).status, 200);
  assert.deepEqual(node.fetched, ["/made.png"]);
  assert.deepEqual(new Set(front.clients), new Set(["nodes-gateway"]));
});

const otherName = authority.issue("other", "DNS:other.example");
for (const [what, presented, known, reason] of [
  ["a gateway without a certificate", strict, { ca: authority.cert }, /does it want another certificate/],
  [
    "a gateway with a stranger's certificate",
    strict,
    { ...tls, cert: stranger.cert, key: stranger.key },
    /does it want another certificate/,
  ],
  ["a node that nobody trusts", { ...strict, ...stranger }, tls, /self-signed|unable to (?:get|verify)/i],
  ["a node with another host's certificate", { ...strict, ...otherName }, tls, /altname|does not match/i],
] as const) {
  test(`${what}: nothing is sent, the operator is told, and the client hears of no address`, async () => {
    await using node = await startScriptedNode();
    await using good = await startScriptedNode();
    await using front = await startTlsFront(node.url, presented);
    const bad = { name: "bad", url: front.url, tls: known, token: "node-secret" };
    await using world = await startWorld({ nodes: [bad, { name: "good", url: good.url }] });
    for (let i = 0; i < 4; i++) assert.equal((await world.generate()).status, 200);
    assert.equal(node.requests.length, 0);
    const told = world.log.filter((line) => line.includes('"node":"bad"')).join("\n");
    assert.match(told, /node is not ready/);
    assert.match(told, reason);
    assert.doesNotMatch(world.log.join(""), /PRIVATE KEY|node-secret/);
  });
}

test("a node that loses the trust of its gateway while it serves: another one is asked, and no request is lost", async () => {
  await using node = await startScriptedNode();
  await using good = await startScriptedNode();
  const front = await startTlsFront(node.url, strict);
  const first = { name: "first", url: front.url, tls };
  await using world = await startWorld({ nodes: [first, { name: "good", url: good.url }] });
  await eventually(async () => {
    assert.equal((await world.generate()).status, 200);
    return node.requests.length > 0;
  });
  const before = node.requests.length;
  await front[Symbol.asyncDispose]();
  await using _ = await startTlsFront(node.url, { ...strict, ...otherName }, front.port);
  for (let i = 0; i < 8; i++) assert.equal((await world.generate()).status, 200);
  assert.equal(node.requests.length, before);
});

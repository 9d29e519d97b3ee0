import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { startWorld } from "./support/gateway.ts";
import { paddedPicture } from "./support/padded-picture.ts";
import { finish, startScriptedNode, writeEvent } from "./support/scripted-node.ts";
import { newAuthority, startTlsFront } from "./support/tls.ts";

const SIZES = [100, 2_000, 12_000, 65_536, 300_000, 1_400_000, 8_000_000];
const authority = newAuthority("nodes");
const certificate = authority.issue("server");

/** A node that sends a picture of so many bytes, and counts on how many connections it was asked for one. */
async function startNode() {
  const node = await startScriptedNode();
  const sockets = new Set<Socket>();
  const sent = { bytes: 0, lastOnConnection: false };
  node.behave = (_job, response, request) => {
    sockets.add(request.socket);
    if (sent.lastOnConnection) response.setHeader("connection", "close");
    const bytes = paddedPicture(sent.bytes);
    writeEvent(response, { type: "image", index: 0, bytes, seed: 1, width: 64, height: 64, format: "png" });
    finish(response);
  };
  return { node, sockets, sent, [Symbol.asyncDispose]: node[Symbol.asyncDispose] };
}

for (const scheme of ["http", "https"]) {
  test(`${scheme}: pictures of any size one after the other come over one connection`, async () => {
    await using counted = await startNode();
    const { node, sockets, sent } = counted;
    await using front = await startTlsFront(node.url, { ...certificate });
    const config = scheme === "http" ? { url: node.url } : { url: front.url, tls: { ca: authority.cert } };
    await using world = await startWorld({ nodes: [{ name: "n", ...config }] });
    for (const bytes of SIZES) {
      sent.bytes = bytes;
      sockets.clear();
      for (let i = 0; i < 6; i++) {
        const { status, json } = await world.generate({ response_format: "b64_json" });
        assert.equal(status, 200);
        assert.ok(Buffer.from(json.data[0].b64_json, "base64").equals(paddedPicture(bytes)), `${bytes} bytes`);
      }
      assert.ok(sockets.size <= 2, `${sockets.size} connections for 6 pictures of ${bytes} bytes`);
    }
  });

  test(`${scheme}: a node that closes its connections in between gets a new one for each, and no request twice`, async () => {
    await using counted = await startNode();
    const { node, sockets, sent } = counted;
    await using front = await startTlsFront(node.url, { ...certificate });
    const config = scheme === "http" ? { url: node.url } : { url: front.url, tls: { ca: authority.cert } };
    await using world = await startWorld({ nodes: [{ name: "n", ...config }] });
    sent.bytes = 12_000;
    const closes = 8;
    for (let i = 0; i < 40; i++) {
      sent.lastOnConnection = i % 5 === 4;
      assert.equal((await world.generate()).status, 200);
    }
    assert.equal(node.requests.length, 40);
    assert.ok(sockets.size <= closes + 1, `${sockets.size} connections, ${closes} closed by the node`);
  });
}

test("32 at a time come over as many connections, not one each", async () => {
  await using counted = await startNode();
  const { node, sockets, sent } = counted;
  await using world = await startWorld({ nodes: [{ name: "n", url: node.url, maxConcurrent: 32 }] });
  sent.bytes = 12_000;
  for (let round = 0; round < 4; round++) {
    const answers = await Promise.all(Array.from({ length: 32 }, () => world.generate()));
    for (const { status } of answers) assert.equal(status, 200);
  }
  assert.equal(node.requests.length, 128);
  assert.ok(sockets.size <= 34, `${sockets.size} connections for 128 pictures, 32 at a time`);
});

test("what a node sends behind its last event is passed over up to a bound, and then the connection is closed", async () => {
  await using counted = await startNode();
  const { node, sockets } = counted;
  await using world = await startWorld({ nodes: [{ name: "n", url: node.url }] });
  const closed: boolean[] = [];
  for (const rest of [200, 2_000, 200]) {
    node.behave = (_job, response, request) => {
      sockets.add(request.socket);
      request.socket.once("close", () => closed.push(true));
      const bytes = paddedPicture(100);
      writeEvent(response, { type: "image", index: 0, bytes, seed: 1, width: 64, height: 64, format: "png" });
      writeEvent(response, { type: "done", usage: undefined });
      response.end(Buffer.alloc(rest));
    };
    assert.equal((await world.generate()).status, 200, `${rest} bytes behind the end`);
  }
  assert.equal(node.requests.length, 3);
  assert.equal(sockets.size, 2);
});

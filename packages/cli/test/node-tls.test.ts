import assert from "node:assert/strict";
import { after, test } from "node:test";
import { newAuthority } from "@atoma/gateway/test-support/tls";
import { draw, eventually, startAtoma, startCluster } from "./support/cluster.ts";
import { atoma, root } from "./support/up.ts";

const authority = newAuthority("cli-nodes");
const server = authority.issue("server");
const gateway = authority.issue("gateway");

test("a node that serves https and asks for a certificate is used by its gateway, and by nobody else", async () => {
  const settings = [
    "node-tls-cert",
    server.certFile,
    "node-tls-key",
    server.keyFile,
    "node-tls-client-ca",
    authority.certFile,
  ];
  const flags = settings.map((setting, i) => (i % 2 === 0 ? `--${setting}` : setting));
  const node = await startAtoma([
    "node",
    "--port",
    "0",
    "--models",
    `${root}models/tiny`,
    "--log-level",
    "error",
    ...flags,
  ]);
  after(() => node.end("SIGTERM"));
  assert.match(node.where, /^https:\/\/127\.0\.0\.1:\d+$/);

  const trusting = ["nodes", "check", node.where, "--tls-ca", authority.certFile];
  const stranger = await atoma(trusting);
  assert.equal(stranger.code, 1);
  assert.match(stranger.out, /does it want another certificate/);
  const known = await atoma([...trusting, "--tls-cert", gateway.certFile, "--tls-key", gateway.keyFile]);
  assert.equal(known.code, 0, known.out);
  assert.match(known.out, /atoma-tiny/);

  await using cluster = await startCluster();
  const tls = `{ ca = "${authority.certFile}", cert = "${gateway.certFile}", key = "${gateway.keyFile}" }`;
  const { where } = await cluster.startGateway(`[[nodes]]\nname = "secret"\nurl = "${node.where}"\ntls = ${tls}\n`);
  await eventually(async () => (await draw(where, cluster.key)).status === 200);
});

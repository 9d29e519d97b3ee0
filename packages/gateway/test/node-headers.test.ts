import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { type NodeConfig, readForeignModel } from "../src/index.ts";
import { png } from "./support/edits.ts";
import { type ForeignName, KINDS } from "./support/foreign-kinds.ts";
import { startForeignServer } from "./support/foreign-servers.ts";
import { eventually, startWorld } from "./support/gateway.ts";
import { type Recorded, startRecorder } from "./support/recorder.ts";
import { card, finish, sendPicture, startScriptedNode } from "./support/scripted-node.ts";

/** All that a node may hear of in headers. */
const ALLOWED = new Set([
  ...["host", "connection", "accept", "content-type", "content-length", "transfer-encoding"],
  ...["authorization", "x-request-id", "x-atoma-timeout-ms"],
]);

/** What clients, and proxies before the gateway, send. */
const ofTheClient = () => ({
  cookie: "session=of-the-client",
  "user-agent": "of-the-client",
  referer: "https://of-the-client.example/",
  origin: "https://of-the-client.example",
  "accept-language": "of-the-client",
  forwarded: "for=192.0.2.7;by=of-the-client",
  "x-forwarded-for": "192.0.2.7",
  "x-forwarded-host": "of-the-client.example",
  "x-real-ip": "192.0.2.7",
  "x-request-id": "of-the-client",
  "idempotency-key": `of-the-client-${randomUUID()}`,
  "openai-organization": "of-the-client",
  "x-stainless-lang": "of-the-client",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  "proxy-authorization": "Basic of-the-client",
  "x-atoma-timeout-ms": "1",
  "x-anything": "of-the-client",
});

function check({ method, path, headers }: Recorded): void {
  const where = `${method} ${path}`;
  assert.deepEqual(
    Object.keys(headers).filter((name) => !ALLOWED.has(name)),
    [],
    where,
  );
  assert.equal(headers.authorization, "Bearer node-secret", where);
  assert.doesNotMatch(JSON.stringify(headers), /of-the-client|192\.0\.2\.7|sk-atoma/, where);
  if (method !== "POST") return;
  assert.match(String(headers["x-request-id"]), /^req_[0-9a-f]{32}\.[0-9a-f]{8}$/, where);
  assert.ok(Number(headers["x-atoma-timeout-ms"]) > 1000, where);
}

for (const dialect of Object.keys(KINDS) as ForeignName[]) {
  test(`S-094 ${dialect}: probes, lists and requests carry what is on the list, and nothing else`, async () => {
    await using server = await startForeignServer(dialect);
    await using recorder = await startRecorder(server.url);
    const models = [readForeignModel({ id: "scripted", upstream: "gpt-image-1" }, dialect)];
    const node: NodeConfig = { name: dialect, url: recorder.url, token: "node-secret", dialect, models };
    await using world = await startWorld({ nodes: [node] });
    const size = "1024x1024";
    assert.equal((await world.generate({ size, user: "of-the-client" }, ofTheClient())).status, 200);
    assert.ok(recorder.seen.some(({ method }) => method === "POST"));
    assert.ok(recorder.seen.some(({ method }) => method === "GET"));
    recorder.seen.forEach(check);
  });
}

test("S-094 our own nodes: the same for edits, for what is taken up again, and for cancellations", async () => {
  await using node = await startScriptedNode([{ ...card, edits: true }]);
  await using recorder = await startRecorder(node.url);
  const config = { name: "n1", url: recorder.url, token: "node-secret" };
  await using world = await startWorld({ nodes: [config] });
  assert.equal((await world.generate({}, ofTheClient())).status, 200);

  const form = new FormData();
  form.set("model", "scripted");
  form.set("prompt", "p");
  form.set("image", new Blob([new Uint8Array(png)], { type: "image/png" }), "of-the-client.png");
  const edited = await fetch(`${world.gateway.url}/v1/images/edits`, {
    method: "POST",
    headers: { ...ofTheClient(), authorization: `Bearer ${world.key}` },
    body: form,
  });
  assert.equal(edited.status, 200, await edited.text());

  node.behave = (_job, response) => void response.socket?.resetAndDestroy();
  node.remember = (_request, response) => {
    const job = node.requests.at(-1)?.job ?? assert.fail();
    void sendPicture(job, response, 0, 1).then(() => finish(response));
  };
  assert.equal((await world.generate({}, ofTheClient())).status, 200);

  const leaving = new AbortController();
  const before = node.requests.length;
  node.behave = () => {};
  const left = world.ask({}, leaving.signal, ofTheClient());
  await eventually(() => node.requests.length > before);
  leaving.abort();
  await assert.rejects(left);
  await eventually(() => recorder.seen.some(({ method }) => method === "DELETE"));

  const asked = new Set(recorder.seen.map(({ method, path }) => `${method} ${path.replace(/req_.*/, "id")}`));
  for (const what of [
    "GET /readyz",
    "GET /v1/models",
    "GET /v1/load",
    "GET /v1/requests/id",
    "DELETE /v1/requests/id",
  ]) {
    assert.ok(asked.has(what), what);
  }
  recorder.seen.forEach(check);
});

test("S-095 a probe follows no redirect: the node is not ready, and nobody else is asked", async () => {
  await using node = await startScriptedNode();
  await using recorder = await startRecorder(node.url);
  recorder.answer = ({ path }) =>
    path === "/readyz" ? { status: 302, headers: { location: `${node.url}/elsewhere` } } : undefined;
  await using world = await startWorld({ nodes: [{ name: "n1", url: recorder.url }] });
  const told = world.log.find((line) => line.includes("node is not ready")) ?? assert.fail();
  assert.match(told, /status 302 from \/readyz/);
  assert.ok(recorder.seen.every(({ path }) => path !== "/elsewhere"));
});

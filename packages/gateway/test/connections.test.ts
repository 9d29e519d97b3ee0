import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, test } from "node:test";
import { startWorld, type World } from "./support/gateway.ts";
import { openRaw, sendRaw, statusOf } from "./support/raw.ts";
import { type Behaviour, makePictures, sendPicture, writeEvent } from "./support/scripted-node.ts";

const world = await startWorld();
after(() => world[Symbol.asyncDispose]());
const { port } = world.gateway;
const PATH = "/v1/images/generations";

function head({ key }: World, length: number, more = ""): string {
  return `POST ${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${more}\r\n`;
}

/** A node that begins when it is told to. */
function gated(): { behave: Behaviour; reached: Promise<void>; release: () => void } {
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
  const { promise: open, resolve: release } = Promise.withResolvers<void>();
  const behave: Behaviour = async (...args) => {
    reach();
    await open;
    await makePictures(...args);
  };
  return { behave, reached, release };
}

/** How many connections this process may have to itself, of which it holds both ends. */
function affordable(wanted: number): number {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: number | "unlimited" } } };
  const limit = Number(report.userLimits?.open_files?.soft);
  return Number.isFinite(limit) ? Math.min(wanted, Math.floor((limit - 200) / 2)) : wanted;
}

test("S-078 a thousand idle connections and two hundred dripping bodies keep nobody waiting", async () => {
  const idle = Array.from({ length: affordable(1000) }, () => connect(port, "127.0.0.1"));
  await Promise.all(idle.map((socket) => once(socket, "connect")));
  const dripping = await Promise.all(
    Array.from({ length: affordable(1200) - idle.length }, () => openRaw(port, head(world, 1000))),
  );
  const drip = setInterval(() => {
    for (const { socket } of dripping) socket.write(" ");
  }, 250);
  try {
    for (let i = 0; i < 5; i++) {
      assert.equal((await world.get("/v1/models")).status, 200);
      assert.equal((await world.generate()).status, 200);
    }
    assert.ok(
      idle.every((socket) => !socket.closed),
      "all of them are still there",
    );
    assert.ok(dripping.every((raw) => raw.text() === "" && !raw.socket.closed));
  } finally {
    clearInterval(drip);
    for (const socket of idle) socket.destroy();
    for (const { socket } of dripping) socket.destroy();
  }
});

for (const stream of [false, true]) {
  test(`what comes behind a running ${stream ? "stream" : "generation"} does not cut it short`, async () => {
    const { behave, reached, release } = gated();
    world.node.behave = behave;
    const body = JSON.stringify({ model: "scripted", prompt: "p", stream });
    const raw = await openRaw(port, head(world, body.length) + body);
    await reached;
    raw.socket.write("}{ garbage \r\n\r\n");
    raw.socket.write("\0".repeat(5000));
    // The gateway has read the garbage by the time that it answers another connection.
    assert.equal((await world.get("/v1/models")).status, 200);
    release();
    await raw.closed;
    assert.equal(statusOf(raw.text()), 200);
    assert.ok(raw.text().includes(stream ? "event: image_generation.completed" : '"b64_json"'));
    assert.equal(raw.text().match(/HTTP\/1\.1/g)?.length, 1, "and nothing after it");
    world.node.behave = makePictures;
  });
}

test("pipelined requests are answered in order, each with its own", async () => {
  const body = JSON.stringify({ model: "scripted", prompt: "p", response_format: "url" });
  const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`;
  const text = await sendRaw(
    port,
    get("/openapi.json"),
    head(world, body.length),
    body,
    get("/nope", "connection: close\r\n"),
  );
  assert.deepEqual(
    [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]),
    ["200", "200", "404"],
  );
  const ids = [...text.matchAll(/x-request-id: (\S+)/g)].map((match) => match[1]);
  assert.equal(new Set(ids).size, 3);
});

test("a connection serves ten thousand requests, and says at the last that it closes", async () => {
  const raw = await openRaw(port);
  const request = "GET /nope HTTP/1.1\r\nhost: x\r\n\r\n";
  for (let sent = 0; sent < 10_000; sent += 100) {
    if (raw.socket.write(request.repeat(100))) continue;
    await Promise.race([once(raw.socket, "drain"), raw.closed]);
  }
  await raw.closed;
  const answers = raw.text().split("HTTP/1.1 404").slice(1);
  assert.equal(answers.length, 10_000);
  assert.match(answers.at(-1) ?? "", /connection: close/i);
  assert.doesNotMatch(answers.at(-2) ?? "", /connection: close/i);
});

test("CONNECT and a missing answer to it: refused like all that is no request for us", async () => {
  const text = await sendRaw(port, "CONNECT elsewhere:443 HTTP/1.1\r\nhost: elsewhere:443\r\n\r\n");
  assert.equal(statusOf(text), 400);
  assert.match(text, /x-request-id: req_/);
  assert.match(text, /"This server is no proxy: it does not know the method CONNECT\."/);
});

test("an upgrade is not taken up", async () => {
  const upgrade = "connection: upgrade, close\r\nupgrade: websocket\r\nsec-websocket-key: x\r\n";
  assert.equal(statusOf(await sendRaw(port, `GET /openapi.json HTTP/1.1\r\nhost: x\r\n${upgrade}\r\n`)), 200);
});

test("S-107 a quiet stream says every 15 s that it is alive", async (t) => {
  const { behave, reached, release } = gated();
  world.node.behave = behave;
  t.mock.timers.enable({ apis: ["setInterval"] });
  const body = JSON.stringify({ model: "scripted", prompt: "p", stream: true });
  const raw = await openRaw(port, head(world, body.length, "connection: close\r\n") + body);
  await reached;
  assert.equal(raw.text(), "", "failures are plain HTTP until something is sent");
  for (let quiet = 1; quiet <= 4; quiet++) {
    t.mock.timers.tick(15_000);
    const comments = () => raw.text().match(/: keep-alive\n\n/g)?.length ?? 0;
    while (comments() < quiet) await once(raw.socket, "data");
    assert.equal(comments(), quiet);
  }
  assert.equal(statusOf(raw.text()), 200);
  assert.match(raw.text(), /content-type: text\/event-stream; charset=utf-8/);
  release();
  await raw.closed;
  assert.match(raw.text(), /event: image_generation\.completed\n/);
  world.node.behave = makePictures;
});

test("S-077 a client that leaves while its body is read, or while it waits, holds nothing", async () => {
  const before = await world.available();
  const half = await openRaw(port, `${head(world, 1000)}{"model":`);
  half.socket.destroy();
  const { behave, reached, release } = gated();
  world.node.behave = behave;
  const body = JSON.stringify({ model: "scripted", prompt: "p" });
  const cancelled = world.node.cancelled;
  const waiting = await openRaw(port, head(world, body.length) + body);
  await reached;
  waiting.socket.destroy();
  while (world.node.cancelled === cancelled) await new Promise((resolve) => setTimeout(resolve, 5));
  while ((await world.pending()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(await world.available(), before);
  release();
  world.node.behave = makePictures;
});

test("one connection to a node serves one request after the other", async () => {
  const sockets = new Set<unknown>();
  world.node.behave = (job, response, request) => {
    sockets.add(request.socket);
    return makePictures(job, response, request);
  };
  for (const stream of [false, true, false, false]) {
    assert.equal((await world.generate({ stream, size: "512x512" })).status, 200);
  }
  assert.equal(sockets.size, 1);
  world.node.behave = makePictures;
});

test("a node that does not end its answer keeps nobody waiting, and loses its connection", async () => {
  const closed: Promise<unknown>[] = [];
  world.node.behave = async (job, response, request) => {
    closed.push(once(request.socket, "close"));
    await sendPicture(job, response, 0, 7);
    writeEvent(response, { type: "done", usage: undefined });
  };
  assert.equal((await world.generate()).status, 200);
  await Promise.all(closed);
  world.node.behave = makePictures;
});

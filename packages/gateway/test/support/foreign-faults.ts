import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import sharp from "sharp";
import { type NodeConfig, readForeignModel } from "../../src/index.ts";
import { type ForeignName, KINDS } from "./foreign-kinds.ts";
import { type Fault, type ForeignServer, startForeignServer } from "./foreign-servers.ts";
import { type Answer, startWorld, type World } from "./gateway.ts";

export const NAMES = Object.keys(KINDS) as ForeignName[];
/** A size that every dialect's default card allows, and none has as its default. */
export const sizeFor = (name: ForeignName) => (name === "openai" ? "1536x1024" : "320x256");

export function nodeOf(name: ForeignName, server: ForeignServer, capabilities = {}): NodeConfig {
  const model = readForeignModel({ id: "scripted", upstream: "gpt-image-1", ...capabilities }, name);
  return { name, url: server.url, token: "node-secret", dialect: name, models: [model] };
}

export async function startPair(
  name: ForeignName,
  options: Parameters<typeof startWorld>[0] = {},
  capabilities: Readonly<Record<string, unknown>> = {},
) {
  const server = await startForeignServer(name);
  const world = await startWorld({ nodes: [nodeOf(name, server, capabilities)], ...options });
  return {
    server,
    world,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

export const send = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) =>
  void response
    .writeHead(status, { "content-type": "application/json", ...headers })
    .end(typeof body === "string" ? body : JSON.stringify(body));

type Item = Record<string, unknown>;

/** The server's normal answer with its items changed. */
const withItems =
  (change: (items: Item[], request: Record<string, unknown>) => unknown): Fault =>
  async (response, normal, request) => {
    const answer = (await normal()) as { data: Item[] };
    send(response, 200, { ...answer, data: change(answer.data, request) });
  };

const bare = (item: Item) => String(item.b64_json).replace(/^data:[^,]*,/, "");

interface Expected {
  readonly status: number;
  readonly code?: string | null;
}

interface FaultCase {
  readonly fault: Fault;
  readonly expected: Expected;
  readonly n?: number;
  /** It says that nothing has begun, so it may be asked again for as long as a request may wait. */
  readonly again?: boolean;
}

const BAD: Expected = { status: 500, code: "node_bad_response" };

/** Whatever kind of server it is: what it does wrong, and what the client sees. */
const FAULTS: Record<string, FaultCase> = {
  "S-083 500": { fault: (response) => send(response, 500, "stack trace at 10.0.0.1"), expected: BAD },
  "S-084 fewer pictures than ordered": { fault: withItems((items) => items.slice(1)), expected: BAD, n: 2 },
  "S-084 none": { fault: withItems(() => []), expected: BAD },
  "more pictures than ordered": {
    fault: withItems((items) => [...items, ...items]),
    expected: { status: 200 },
  },
  "S-087 reset in mid-answer": {
    fault: async (response, normal) => {
      const text = JSON.stringify(await normal());
      response.writeHead(200, { "content-length": String(text.length) });
      response.write(text.slice(0, 200), () => response.socket?.resetAndDestroy());
    },
    expected: BAD,
  },
  "S-087 truncated": {
    fault: async (response, normal) => {
      const text = JSON.stringify(await normal());
      response.writeHead(200).end(text.slice(0, -20));
    },
    expected: BAD,
  },
  "S-087 HTML": { fault: (response) => send(response, 200, "<html>busy</html>"), expected: BAD },
  "S-087 text that quotes the prompt": {
    fault: (response, _normal, { prompt }) => void response.writeHead(200).end(String(prompt)),
    expected: BAD,
  },
  "S-087 empty": { fault: (response) => send(response, 200, ""), expected: BAD },
  "S-087 200 with an error": { fault: (response) => send(response, 200, { error: "text" }), expected: BAD },
  "S-087 data prefix": {
    fault: withItems((items) => items.map((item) => ({ b64_json: `data:image/png;base64,${bare(item)}` }))),
    expected: { status: 200 },
  },
  "S-087 no created": {
    fault: async (response, normal) => {
      const { data } = (await normal()) as { data: unknown };
      send(response, 200, { data });
    },
    expected: { status: 200 },
  },
  "S-087 a file path as url": {
    fault: withItems((items) => items.map(() => ({ url: "/tmp/image.png" }))),
    expected: BAD,
  },
  "S-087 a file URL": { fault: withItems((items) => items.map(() => ({ url: "file:///etc/passwd" }))), expected: BAD },
  "S-095 a URL of another origin": {
    fault: withItems((items) => items.map(() => ({ url: "http://169.254.169.254/latest/meta-data" }))),
    expected: BAD,
  },
  "S-087 base64 garbage": {
    fault: withItems((items) => items.map((item) => ({ b64_json: `${bare(item).slice(0, 40)}!!` }))),
    expected: BAD,
  },
  "S-087 base64 of something else": {
    fault: withItems((items) => items.map(() => ({ b64_json: Buffer.from("no picture").toString("base64") }))),
    expected: BAD,
  },
  "S-087 a cut picture": {
    fault: withItems((items) => items.map((item) => ({ b64_json: bare(item).slice(0, 64) }))),
    expected: BAD,
  },
  "S-087 wrong dimensions": {
    fault: async (response) => {
      const bytes = await sharp({ create: { width: 48, height: 32, channels: 3, background: "red" } })
        .png()
        .toBuffer();
      send(response, 200, { created: 1, data: [{ b64_json: bytes.toString("base64") }] });
    },
    expected: BAD,
  },
  "S-087 another format": {
    fault: withItems((items) => items.map(() => ({ b64_json: JPEG.toString("base64") }))),
    expected: BAD,
  },
  "S-087 far too many bytes": {
    fault: async (response) => {
      const spaces = Buffer.alloc(2 ** 20, " ");
      response.writeHead(200).setMaxListeners(0);
      for (let i = 0; i < 96 && !response.destroyed; i++) {
        if (!response.write(spaces)) {
          await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
        }
      }
      response.end("{}");
    },
    expected: BAD,
  },
  "S-088 the request is refused": {
    fault: (response, _normal, request) => {
      const kind = NAMES.find((name) => name === request.model) ?? "openai";
      send(response, 400, KINDS[kind].complain("No: 10.0.0.1", 400, "size"));
    },
    expected: { status: 400 },
  },
  "S-088 refused as FastAPI does": {
    fault: (response) => send(response, 422, { detail: [{ loc: ["body", "size"], msg: "No" }] }),
    expected: { status: 400, code: null },
  },
  "S-088 refused in one word": {
    fault: (response) => send(response, 400, { error: "No" }),
    expected: { status: 400, code: null },
  },
  "S-089 401": { fault: (response) => send(response, 401, { error: { code: "invalid_api_key" } }), expected: BAD },
  "S-089 403": { fault: (response) => send(response, 403, ""), expected: BAD },
  "the model is unknown there": { fault: (response) => send(response, 404, { detail: "no" }), expected: BAD },
  "S-091 its own deadline": {
    fault: (response) => send(response, 504, ""),
    expected: { status: 504, code: "timeout" },
  },
  "S-095 a redirect": {
    fault: (response) => send(response, 302, "", { location: "http://169.254.169.254/" }),
    expected: BAD,
  },
  "S-096 moderation": {
    fault: (response) => send(response, 400, { error: { message: "…", code: "content_policy_violation" } }),
    expected: { status: 400, code: "moderation_blocked" },
  },
  "reset before an answer": {
    fault: (response) => void response.socket?.resetAndDestroy(),
    expected: { status: 500, code: "node_unreachable" },
  },
  ...Object.fromEntries(
    [423, 425, 429, 503].map((status) => [
      `S-090 ${status}`,
      {
        fault: (response: ServerResponse) => send(response, status, "", { "retry-after-ms": "20" }),
        expected: { status: 503, code: "overloaded" },
        again: true,
      },
    ]),
  ),
};

const JPEG = await sharp({ create: { width: 320, height: 256, channels: 3, background: "red" } })
  .jpeg()
  .toBuffer();

/** Once for all faults; each must leave everything as it was. */
export async function faultTable(
  name: ForeignName,
  { server, world }: { server: ForeignServer; world: World },
  ask: (fields: { readonly n?: number; readonly size: string }) => Promise<Answer>,
): Promise<void> {
  const max = readForeignModel({ id: "m" }, name).card.maxImages;
  for (const [what, { fault, expected, n = 1, again = false }] of Object.entries(FAULTS)) {
    if (n > max) continue;
    const before = { available: await world.available(), requests: server.requests.length };
    server.fault = fault;
    const answer = await ask({ n, size: sizeFor(name) });
    const label = `${name}: ${what}: ${answer.text.slice(0, 200)}`;
    assert.equal(answer.status, expected.status, label);
    const asked = server.requests.length - before.requests;
    assert.ok(again ? asked > 1 && asked < 5 : asked === 1, `${label}: asked ${asked} times`);
    assert.equal(await world.pending(), 0, label);
    if (answer.status === 200) {
      assert.equal(answer.json.data.length, n);
      assert.ok(Number.isInteger(answer.json.created));
      continue;
    }
    if (expected.code !== undefined) assert.equal(answer.json.error.code, expected.code, label);
    assert.equal(await world.available(), before.available, label);
    assert.doesNotMatch(answer.text, /10\.0\.0\.1|169\.254|stack|passwd/);
    assert.doesNotMatch(world.log.join(""), /secret otter/, label);
    assert.deepEqual(server.strays, [], label);
    // One failure after another would open the node's circuit.
    server.fault = undefined;
    assert.equal((await ask({ size: sizeFor(name) })).status, 200, `${label}: the pool still works`);
  }
}

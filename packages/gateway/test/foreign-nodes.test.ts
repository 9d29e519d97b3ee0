import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import sharp from "sharp";
import { type NodeConfig, readForeignModel } from "../src/index.ts";
import {
  type Fault,
  type ForeignName,
  type ForeignServer,
  KINDS,
  startForeignServer,
} from "./support/foreign-servers.ts";
import { eventually, startWorld, type World } from "./support/gateway.ts";
import { startScriptedNode } from "./support/scripted-node.ts";

const NAMES = Object.keys(KINDS) as ForeignName[];
/** A size that every dialect's default card allows, and none has as its default. */
const sizeFor = (name: ForeignName) => (name === "openai" ? "1536x1024" : "320x256");

function nodeOf(name: ForeignName, server: ForeignServer): NodeConfig {
  const model = readForeignModel({ id: "scripted", upstream: "gpt-image-1" }, name);
  return { name, url: server.url, token: "node-secret", dialect: name, models: [model] };
}

async function startPair(name: ForeignName, options: Parameters<typeof startWorld>[0] = {}) {
  const server = await startForeignServer(name);
  const world = await startWorld({ nodes: [nodeOf(name, server)], ...options });
  return {
    server,
    world,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function picturesOf(answer: { json: { data: { b64_json: string }[] } }): Promise<string[]> {
  return Promise.all(
    answer.json.data.map(async ({ b64_json }) => {
      const { format, width, height } = await sharp(Buffer.from(b64_json, "base64")).metadata();
      return `${format} ${width}x${height}`;
    }),
  );
}

for (const name of NAMES) {
  test(`S-094 ${name}: a job arrives as the client meant it, and nothing of the client with it`, async () => {
    await using pair = await startPair(name);
    const { server, world } = pair;
    const one = { size: sizeFor(name), response_format: "b64_json" };
    const answer = await world.generate({ ...one, user: "me" }, { cookie: "c=1", "x-forwarded-for": "9" });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(await picturesOf(answer), [`png ${sizeFor(name)}`]);
    const [request] = server.requests;
    assert.equal(request?.understood?.size, sizeFor(name));
    assert.equal(request?.understood?.prompt, "a secret otter");
    const { headers } = request ?? { headers: {} };
    assert.equal(headers.authorization, "Bearer node-secret");
    assert.deepEqual(
      Object.keys(headers).filter((header) => /cookie|forward|user|stainless|idempotency/.test(header)),
      [],
    );
    assert.deepEqual(server.strays, []);
    assert.equal(await world.pending(), 0);
  });

  test(`${name}: everything that it can be told reaches it; two requests without a seed differ`, async () => {
    await using pair = await startPair(name);
    const { server, world } = pair;
    const { seeds, negativePrompts, formats, maxImages } = readForeignModel({ id: "m" }, name).card;
    const fields: Record<string, unknown> = { size: sizeFor(name), response_format: "b64_json" };
    if (negativePrompts) fields.negative_prompt = "blur";
    if (formats.includes("jpeg")) fields.output_format = "jpeg";
    if (maxImages > 1 && name !== "vllm-omni") fields.n = 2;
    if (seeds) fields.seed = 7;
    if (["vllm-omni", "sglang", "sdcpp", "localai"].includes(name)) fields.steps = 9;
    if (["vllm-omni", "sglang", "sdcpp"].includes(name)) fields.guidance_scale = 2.5;
    const answer = await world.generate(fields);
    assert.equal(answer.status, 200, answer.text);
    const format = fields.output_format ?? "png";
    const n = (fields.n as number | undefined) ?? 1;
    assert.deepEqual(await picturesOf(answer), Array(n).fill(`${format} ${sizeFor(name)}`));
    const understood = server.requests[0]?.understood;
    assert.deepEqual(
      [understood?.negative, understood?.n, understood?.format],
      [fields.negative_prompt ?? "", n, format],
    );
    if (seeds) {
      assert.equal(understood?.seed, 7);
      assert.deepEqual(
        answer.json.data.map((item: { seed: number }) => item.seed),
        n === 2 ? [7, 8] : [7],
      );
    }
    if (fields.steps) assert.equal(understood?.steps, 9);
    if (fields.guidance_scale) assert.equal(understood?.guidance, 2.5);

    if (name === "mistralrs") return; // The server itself is deterministic.
    const unseeded = { size: sizeFor(name), response_format: "b64_json" };
    const [a, b] = [await world.generate(unseeded), await world.generate(unseeded)];
    assert.notEqual(a.json.data[0].b64_json, b.json.data[0].b64_json, "S-011");
  });

  test(`${name}: a stream gets one completed event for each picture`, async () => {
    await using pair = await startPair(name);
    const { status, text } = await pair.world.generate({ size: sizeFor(name), stream: true, partial_images: 2 });
    assert.equal(status, 200);
    assert.deepEqual(
      [...text.matchAll(/^event: (.*)$/gm)].map((match) => match[1]),
      ["image_generation.completed"],
    );
  });
}

const send = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) =>
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
async function faultTable(name: ForeignName, { server, world }: { server: ForeignServer; world: World }) {
  const max = readForeignModel({ id: "m" }, name).card.maxImages;
  for (const [what, { fault, expected, n = 1, again = false }] of Object.entries(FAULTS)) {
    if (n > max) continue;
    const before = { available: await world.available(), requests: server.requests.length };
    server.fault = fault;
    const answer = await world.generate({ n, size: sizeFor(name) });
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
    assert.equal((await world.generate({ size: sizeFor(name) })).status, 200, `${label}: the pool still works`);
  }
}

for (const name of NAMES) {
  test(`S-083…S-096 ${name}: node faults never charge, never leak, never ask twice`, async () => {
    await using pair = await startPair(name, { queueTimeoutMs: 250 });
    await faultTable(name, pair);
  });

  test(`S-086 S-090 ${name}: another node is asked when the first did not start`, async () => {
    await using first = await startForeignServer(name);
    await using second = await startForeignServer(name);
    const gone = await startScriptedNode();
    await gone[Symbol.asyncDispose]();
    const dead = { ...nodeOf(name, first), name: "dead", url: gone.url };
    const nodes = [dead, nodeOf(name, first), { ...nodeOf(name, second), name: "second" }];
    await using world = await startWorld({ nodes });
    first.fault = (response) => send(response, 503, "", { "retry-after": "1" });
    for (let i = 0; i < 4; i++) assert.equal((await world.generate({ size: sizeFor(name) })).status, 200);
    assert.equal(second.requests.length, 4);
  });

  test(`S-090 ${name}: a request that every node has refused is answered once one takes it`, async () => {
    await using pair = await startPair(name);
    const { server, world } = pair;
    let refusals = 0;
    server.fault = async (response, normal) => {
      if (refusals++ < 3) send(response, 503, "", { "retry-after-ms": "20" });
      else send(response, 200, await normal());
    };
    assert.equal((await world.generate({ size: sizeFor(name) })).status, 200);
    assert.equal(server.requests.length, 4);
    assert.equal(await world.pending(), 0);
  });

  test(`S-091 ${name}: the deadline closes the connection to the node`, async () => {
    await using pair = await startPair(name, { generationTimeoutMs: 1000 });
    const { server, world } = pair;
    server.fault = () => {};
    const late = await world.generate({ size: sizeFor(name) });
    assert.deepEqual([late.status, late.json.error.code], [504, "timeout"]);
    await eventually(() => server.cancelled === server.requests.length);
  });

  test(`S-077 ${name}: a client that leaves closes the connection to the node`, async () => {
    await using pair = await startPair(name);
    const { server, world } = pair;
    server.fault = (response) => void response.writeHead(200).write('{"created":1,');
    const leaving = new AbortController();
    const request = fetch(`${world.gateway.url}/v1/images/generations`, {
      method: "POST",
      headers: { authorization: `Bearer ${world.key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "scripted", prompt: "p", size: sizeFor(name) }),
      signal: leaving.signal,
    });
    await eventually(() => server.requests.length === 1);
    leaving.abort();
    await assert.rejects(request);
    await eventually(() => server.cancelled === 1);
    await eventually(async () => (await world.pending()) === 0);
  });
}

test("openai: a URL of the node's own origin is fetched with its credential, bounded, without redirects", async () => {
  await using pair = await startPair("openai");
  const { server, world } = pair;
  const served = new Map<string, (response: ServerResponse) => void>();
  const { createServer } = await import("node:http");
  const seen: (string | undefined)[] = [];
  const size = "1024x1024";
  const bytes = await sharp({ create: { width: 1024, height: 1024, channels: 3, background: "teal" } })
    .png()
    .toBuffer();
  served.set("/ok.png", (response) => void response.end(bytes));
  served.set("/moved.png", (response) => void response.writeHead(302, { location: "/ok.png" }).end());
  served.set("/huge.png", (response) => void response.end(Buffer.alloc(9 * 1024 * 1024 + 2 ** 20)));
  const files = createServer((request, response) => {
    seen.push(request.headers.authorization);
    if (request.url === "/v1/models") return void response.end("{}");
    if (request.method === "POST") {
      response.end(JSON.stringify({ data: [{ url: `http://127.0.0.1:${port}${next}` }] }));
      return;
    }
    served.get(request.url ?? "")?.(response);
  });
  files.listen(0, "127.0.0.1");
  await new Promise((resolve) => files.once("listening", resolve));
  const { port } = files.address() as { port: number }; // listening on TCP
  let next = "/ok.png";
  const url = `http://127.0.0.1:${port}`;
  await using other = await startWorld({ nodes: [{ ...nodeOf("openai", server), url }] });
  const answer = await other.generate({ size, response_format: "b64_json" });
  assert.ok(Buffer.from(answer.json.data[0].b64_json, "base64").equals(bytes));
  assert.ok(seen.every((authorization) => authorization === "Bearer node-secret"));
  for (next of ["/moved.png", "/huge.png"]) {
    assert.equal((await other.generate({ size })).json.error.code, "node_bad_response", next);
  }
  assert.equal((await world.generate({ size })).status, 200);
  files.closeAllConnections();
  files.close();
});

test("a job that no node of its model can express is refused before anything is reserved", async () => {
  await using pair = await startPair("mistralrs");
  const { world, server } = pair;
  for (const [fields, param] of [
    [{ steps: 4 }, "steps"],
    [{ guidance_scale: 3 }, "guidance_scale"],
    [{ seed: 3 }, "seed"],
    [{ output_format: "webp" }, "output_format"],
    [{ n: 2 }, "n"],
  ] as const) {
    const answer = await world.generate({ size: "320x256", ...fields });
    assert.deepEqual([answer.status, answer.json.error.param], [400, param]);
  }
  assert.deepEqual((await world.ledger.listHolds()).holds, []);
  assert.equal(server.requests.length, 0);
});

test("of several kinds of nodes the one that can express the job gets it", async () => {
  await using plain = await startForeignServer("mistralrs");
  await using rich = await startForeignServer("sglang");
  await using world = await startWorld({ nodes: [nodeOf("mistralrs", plain), nodeOf("sglang", rich)] });
  for (let i = 0; i < 3; i++) assert.equal((await world.generate({ size: "320x256", steps: 4 })).status, 200);
  assert.deepEqual([plain.requests.length, rich.requests.length], [0, 3]);
});

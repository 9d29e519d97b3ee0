import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import sharp from "sharp";
import { readForeignModel } from "../src/index.ts";
import { faultTable, NAMES, nodeOf, send, sizeFor, startPair } from "./support/foreign-faults.ts";
import { startForeignServer } from "./support/foreign-servers.ts";
import { eventually, startWorld } from "./support/gateway.ts";
import { startScriptedNode } from "./support/scripted-node.ts";

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

  test(`${name}: a stream gets one completed event for each picture, and previews where the server has them`, async () => {
    await using pair = await startPair(name);
    const { status, text } = await pair.world.generate({ size: sizeFor(name), stream: true, partial_images: 2 });
    assert.equal(status, 200);
    assert.deepEqual(
      [...text.matchAll(/^event: (.*)$/gm)].map((match) => match[1]),
      [...(name === "openai" ? Array(2).fill("image_generation.partial_image") : []), "image_generation.completed"],
    );
  });
}

test("a restart of a server that remembers nothing: no request is sent on a connection that it is about to close", async () => {
  for (const name of NAMES.filter((one) => one !== "openai")) {
    await using pair = await startPair(name);
    const { server, world } = pair;
    const served = new WeakSet<object>();
    server.fault = async (response, normal) => {
      const { socket } = response;
      assert.ok(socket);
      // As one that ends: it closes what is idle, whether or not something is on its way there.
      if (served.has(socket)) return void socket.resetAndDestroy();
      served.add(socket);
      send(response, 200, await normal());
    };
    for (let i = 0; i < 3; i++) assert.equal((await world.generate({ size: sizeFor(name) })).status, 200, name);
    assert.equal(server.requests.length, 3);
  }
});

for (const name of NAMES) {
  test(`S-083…S-096 ${name}: node faults never charge, never leak, never ask twice`, async () => {
    await using pair = await startPair(name, { queueTimeoutMs: 250 });
    await faultTable(name, pair, pair.world.generate);
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
    const request = world.ask({ size: sizeFor(name) }, leaving.signal);
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

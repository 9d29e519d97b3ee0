import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openLedger } from "@atoma/ledger";
import OpenAI from "openai";
import sharp from "sharp";
import { atoma, newDataDir, startUp } from "./support/up.ts";

const up = await startUp(await newDataDir());
after(() => up[Symbol.asyncDispose]());
const client = new OpenAI({ apiKey: up.apiKey, baseURL: `${up.url}/v1`, maxRetries: 0 });

type Size = "256x256" | "512x512" | "1024x1024" | "auto";
async function draw(fields: { size?: Size; seed?: number; prompt?: string } = {}) {
  // The seed is our extension: openai passes it on, though its types do not know it.
  const body = { model: "atoma-tiny", prompt: "a red circle on a blue background", ...fields };
  const { data, size } = await client.images.generate(body as OpenAI.Images.ImageGenerateParamsNonStreaming);
  return { bytes: Buffer.from(data?.[0]?.b64_json ?? "", "base64"), size };
}

/** Sends a generation that takes long, without waiting for it. */
function drawLong(signal?: AbortSignal) {
  return fetch(`${up.url}/v1/images/generations`, {
    method: "POST",
    headers: { authorization: `Bearer ${up.apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ prompt: "a red circle", n: 10, steps: 100, size: "256x256" }),
    ...(signal && { signal }),
  });
}

async function load(): Promise<{ running: number; queued: number }> {
  const { nodeToken } = JSON.parse(await readFile(join(up.dataDir, "credentials.json"), "utf8"));
  const answer = await fetch(`${up.node.url}/v1/load`, { headers: { authorization: `Bearer ${nodeToken}` } });
  return (await answer.json()) as { running: number; queued: number };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await condition())) {
    assert.ok(Date.now() < end, `never: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("S-014 S-015 pictures are of exactly the size that was asked for", async () => {
  for (const size of ["256x256", "512x512", "1024x1024", "auto"] as const) {
    const made = await draw({ size });
    const info = await sharp(made.bytes).metadata();
    assert.equal(`${info.width}x${info.height}`, made.size);
    if (size !== "auto") assert.equal(made.size, size);
  }
});

test("S-009 S-011 one seed one picture; no seed another picture each time", async () => {
  const [a, b] = [await draw({ seed: 5 }), await draw({ seed: 5 })];
  assert.deepEqual(a.bytes, b.bytes);
  const [c, d] = [await draw(), await draw()];
  assert.notDeepEqual(c.bytes, d.bytes);
});

test("the picture obeys its prompt: red within, blue around", async () => {
  const { bytes } = await draw({
    size: "256x256",
    seed: 3,
    prompt: "a large red circle in the center on a blue background",
  });
  const { data } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => [...data.subarray((y * 256 + x) * 3, (y * 256 + x) * 3 + 3)];
  const [red = 0, , blueInside = 0] = at(128, 128);
  assert.ok(red > 150 && blueInside < 110, `centre ${at(128, 128)}`);
  for (const [x, y] of [
    [6, 6],
    [250, 6],
    [6, 250],
    [250, 250],
  ] as const) {
    const [r = 0, , b = 0] = at(x, y);
    assert.ok(b > 130 && r < 110, `corner ${at(x, y)}`);
  }
});

test("openai: models, streams and errors", async () => {
  const ids: string[] = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.deepEqual(ids, ["atoma-tiny"]);
  const stream = await client.images.generate({
    model: "atoma-tiny",
    prompt: "a star",
    stream: true,
    partial_images: 2,
  });
  const types: string[] = [];
  for await (const event of stream) types.push(event.type);
  assert.equal(types.at(-1), "image_generation.completed");
  assert.ok(types.slice(0, -1).every((type) => type === "image_generation.partial_image"));
  await assert.rejects(client.images.generate({ model: "atoma-tiny", prompt: "a star", n: 0 }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    return error.code === "integer_below_min_value" && /^req_/.test(error.requestID ?? "");
  });
});

test("the SDK as it is published, on this Node", () => {
  const script = fileURLToPath(new URL("support/use-built-sdk.mjs", import.meta.url));
  const env = { ...process.env, ATOMA_URL: up.url, ATOMASDK_BEARER_AUTH: up.apiKey, NODE_OPTIONS: "" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { env, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "used\n");
});

test("atoma generate writes a picture", async () => {
  const file = join(up.dataDir, "out.webp");
  const made = await atoma([
    "generate",
    "a green star",
    "-o",
    file,
    "--url",
    up.url,
    "--size",
    "640x384",
    "--data",
    up.dataDir,
  ]);
  assert.equal(made.code, 0, made.err);
  const { width, height, format } = await sharp(file).metadata();
  assert.deepEqual([width, height, format], [640, 384, "webp"]);
  const refused = await atoma(["generate", "a star", "--url", up.url, "--model", "nope", "--data", up.dataDir]);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /^atoma: .*model 'nope' does not exist/m);
  const nowhere = await atoma(["generate", "a star", "-o", "/nope/a.png", "--url", up.url, "--data", up.dataDir]);
  assert.deepEqual([nowhere.code, nowhere.err], [2, "atoma: --output: cannot write to the folder of /nope/a.png\n"]);
  const alone = await atoma(["generate", "a star", "-o", file, "--url", "http://127.0.0.1:1", "--data", up.dataDir]);
  assert.deepEqual([alone.code, alone.err.split(";", 1)[0]], [2, "atoma: nothing answers at http://127.0.0.1:1"]);
});

test("accounts and keys, from the command line, beside the running gateway", async () => {
  const data = ["--data", up.dataDir];
  const created = await atoma(["accounts", "create", "team", "--json", ...data]);
  const { id } = JSON.parse(created.out);
  assert.match(id, /^acct_/);
  const { key } = JSON.parse((await atoma(["keys", "create", id, "laptop", "--json", ...data])).out);
  const call = () =>
    fetch(`${up.url}/v1/images/generations`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ prompt: "a star", size: "256x256" }),
    }).then((answer) => answer.status);
  assert.equal(await call(), 402);
  assert.match((await atoma(["accounts", "grant", id, "65536", "r1", ...data])).out, /team +65536/);
  assert.match((await atoma(["accounts", "grant", id, "65536", "r1", ...data])).err, /already granted/);
  assert.equal(await call(), 200);
  assert.match((await atoma(["accounts", "list", ...data])).out, /team +0 +65536/);
  const keyId = key.split("-")[2] ?? "";
  assert.match((await atoma(["keys", "list", ...data])).out, new RegExp(`${keyId}.*laptop.*active`));
  assert.equal((await atoma(["keys", "revoke", keyId, ...data])).code, 0);
  await until(async () => (await call()) === 401);
});

test("S-077 a client that leaves frees the node at the next step", async () => {
  const leaving = new AbortController();
  const request = drawLong(leaving.signal);
  request.catch(() => {});
  await until(async () => (await load()).running === 1);
  leaving.abort();
  await until(async () => (await load()).running === 0);
});

test("the model process is killed in mid-picture: a clear 500, and the next request gets a picture", async () => {
  const children = () =>
    execFileSync("pgrep", ["-P", String(up.pid)], { encoding: "utf8" })
      .trim()
      .split("\n");
  const request = drawLong();
  await until(async () => (await load()).running === 1);
  const [model] = children();
  process.kill(Number(model), "SIGKILL");
  const answer = await request;
  const { error } = (await answer.json()) as { error: { code: string } };
  assert.deepEqual([answer.status, error.code], [500, "generation_failed"]);
  await until(async () => (await fetch(`${up.url}/health`)).status === 200);
  await until(async () => (await draw({ size: "256x256" }).catch(() => undefined)) !== undefined);
});

test("a second start on the same data folder, or on a used port, is refused and ends", async () => {
  const again = await atoma(["up", "--data", up.dataDir, "--port", "0"]);
  assert.deepEqual([again.code, again.out], [1, ""]);
  assert.match(again.err, new RegExp(`another atoma \\(process ${up.pid}\\) uses the data folder`));
  const other = await newDataDir();
  const busy = await atoma(["up", "--data", other, "--port", new URL(up.url).port]);
  assert.equal(busy.code, 1);
  assert.match(busy.err, /port \d+ of 127\.0\.0\.1 is in use; choose another with --port/);
  await rm(other, { recursive: true });
});

test("atoma generate makes several pictures as they are asked for, tells each step, and says what it made as JSON", async () => {
  const file = join(up.dataDir, "several.png");
  const asked = [
    "-n",
    "2",
    "--size",
    "256x256",
    "--seed",
    "7",
    "--steps",
    "3",
    "--quality",
    "low",
    "--guidance",
    "2.5",
  ];
  const more = ["--negative-prompt", "blue", "--progress", "--json", "--url", up.url, "--data", up.dataDir];
  const { code, out, err } = await atoma(["generate", "a green star", "-o", file, ...asked, ...more]);
  assert.equal(code, 0, err);
  const files = [1, 2].map((i) => join(up.dataDir, `several-${i}.png`));
  assert.deepEqual(
    JSON.parse(out),
    files.map((made, i) => ({ file: made, size: "256x256", seed: 7 + i })),
  );
  assert.match(err, /^ {2}step 1 of \d+\n/);
  for (const made of files) assert.equal((await sharp(made).metadata()).width, 256);
  const wrong = await atoma(["generate", "a star", "--guidance", "much", "--url", up.url, "--data", up.dataDir]);
  assert.deepEqual([wrong.code, wrong.err], [2, "atoma: --guidance: expected a number\n"]);
});

test("atoma nodes list shows the node of a working `atoma up`, and a dead one as away", async () => {
  const dead = ["nodes", "add", "dead", "http://127.0.0.1:1", "--data", up.dataDir];
  assert.equal((await atoma(dead)).code, 0);
  const list = async () => {
    const { out, err } = await atoma(["nodes", "list", "--url", up.url, "--data", up.dataDir, "--json"]);
    assert.equal(err, "");
    return JSON.parse(out) as { name: string; state: string; models: string[] }[];
  };
  await until(async () => (await list()).length === 2);
  const nodes = await list();
  assert.deepEqual(
    nodes.map(({ name, state }) => [name, state]),
    [
      ["dead", "away"],
      ["embedded", "ready"],
    ],
  );
  assert.ok(nodes[1]?.models.includes("atoma-tiny"));
  const { out } = await atoma(["nodes", "list", "--url", up.url, "--data", up.dataDir]);
  assert.match(out, /^NAME +URL +DIALECT +STATE +RUNNING +MODELS +FROM\n/);
  assert.equal((await atoma(["nodes", "remove", "dead", "--data", up.dataDir])).code, 0);
});

test("a gateway on the folder of a working `atoma up` is refused, and what runs there is delivered", async () => {
  const running = fetch(`${up.url}/v1/images/generations`, {
    method: "POST",
    headers: { authorization: `Bearer ${up.apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ prompt: "a red circle", n: 10, steps: 20, size: "256x256", response_format: "b64_json" }),
  });
  await until(async () => (await load()).running === 1);
  const { code, out, err } = await atoma(["gateway", "--data", up.dataDir, "--port", "0", "--log-level", "silent"]);
  assert.deepEqual([code, out], [1, ""]);
  const who = `another gateway (process ${up.pid}) uses the ledger ${join(up.dataDir, "ledger.db")}`;
  assert.equal(err, `atoma: ${who}; with SQLite there can be one, with PostgreSQL several\n`);
  assert.equal((await running).status, 200);
});

test("secrets are for their owner only", async () => {
  assert.equal((await stat(join(up.dataDir, "credentials.json"))).mode & 0o077, 0);
  assert.ok(!up.errors().includes(up.apiKey) && !/red circle|green star/.test(up.errors()));
});

test("kill -9 in mid-request, then a start: no hold is left, the balance is right, the key is the same", async () => {
  const dataDir = await newDataDir();
  const first = await startUp(dataDir);
  const headers = { authorization: `Bearer ${first.apiKey}`, "content-type": "application/json" };
  const body = JSON.stringify({ prompt: "a star", n: 10, steps: 100, size: "256x256" });
  const lost = fetch(`${first.url}/v1/images/generations`, { method: "POST", headers, body });
  lost.catch(() => {});
  const ledgerOf = () => openLedger(`sqlite:${join(dataDir, "ledger.db")}`);
  const ledger = await ledgerOf();
  await until(async () => (await ledger.listHolds({ state: "held" })).holds.length === 1);
  const later = await fetch(`${first.url}/v1/images/generations`, {
    method: "POST",
    headers: { ...headers, prefer: "respond-async" },
    body,
  });
  const { id } = (await later.json()) as { id: string };
  const statusAt = async (url: string) =>
    ((await (await fetch(`${url}/v1/images/generations/${id}`, { headers })).json()) as { status: string }).status;
  await until(async () => (await statusAt(first.url)) === "running");
  process.kill(first.pid, "SIGKILL");
  await assert.rejects(lost);
  await ledger.close();

  await using second = await startUp(dataDir);
  assert.equal(second.apiKey, first.apiKey);
  await until(async () => (await statusAt(second.url)) === "failed");
  const after = await ledgerOf();
  assert.deepEqual((await after.listHolds({ state: "held" })).holds, []);
  const [account] = await after.listAccounts();
  assert.deepEqual([account?.pending, account?.posted], [0, 0]);
  assert.deepEqual(await after.verify(), []);
  await after.close();
});

test("SIGTERM finishes what runs and ends with 0", async () => {
  await using other = await startUp(await newDataDir());
  const running = fetch(`${other.url}/v1/images/generations`, {
    method: "POST",
    headers: { authorization: `Bearer ${other.apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ prompt: "a star", n: 3, size: "256x256", response_format: "b64_json" }),
  });
  const ledger = await openLedger(`sqlite:${join(other.dataDir, "ledger.db")}`);
  await until(async () => (await ledger.listHolds({ state: "held" })).holds.length === 1);
  await ledger.close();
  const stopped = other.stop();
  const answer = await running;
  assert.equal(answer.status, 200);
  assert.equal(((await answer.json()) as { data: unknown[] }).data.length, 3);
  assert.equal(await stopped, 0);
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, test } from "node:test";
import { startWorld } from "./support/gateway.ts";

const CASES = 20_000;
const SEED = Number(process.env.ATOMA_FUZZ_SEED ?? Date.now() % 2 ** 31);
const PARALLEL = 16;

/** Mulberry32: small, seeded, good enough to choose mutations. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const VALID = {
  model: "scripted",
  prompt: "a red circle",
  n: 1,
  size: "64x64",
  quality: "low",
  output_format: "png",
  seed: 7,
  steps: 4,
  guidance_scale: 3,
};
const VALUES: unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  "",
  "x",
  "0x0",
  "64x64x64",
  "\u0000",
  "\ud800",
  [],
  {},
  [[[]]],
  { __proto__: 1 },
  "a".repeat(5000),
];
const HEADERS = [
  "content-type: text/plain",
  "content-encoding: gzip",
  "transfer-encoding: chunked",
  "content-length: 5",
  "content-length: -1",
  "host: elsewhere",
  "expect: 100-continue",
  "connection: upgrade\r\nupgrade: websocket",
  "idempotency-key: a b",
  "x-long: ".padEnd(9000, "a"),
  "authorization: Bearer nobody",
  "range: bytes=0-1",
  "bad header: x",
  "x-\u00e9: y",
];

function mutate(random: () => number, key: string): Buffer {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T; // the list is never empty
  const body: Record<string, unknown> = { ...VALID };
  for (let i = 0; i < 1 + random() * 3; i++) {
    const field = random() < 0.2 ? pick(["bogus", "__proto__", "constructor", "stream", ""]) : pick(Object.keys(VALID));
    if (random() < 0.15) delete body[field];
    else Object.defineProperty(body, field, { value: pick(VALUES), enumerable: true, configurable: true });
  }
  let text = random() < 0.05 ? `${"[".repeat(random() * 5000)}` : JSON.stringify(body);
  if (random() < 0.2) text = text.slice(0, random() * text.length);
  let bytes = Buffer.from(text);
  for (let i = 0; random() < 0.3 && i < 8; i++)
    if (bytes.length > 0) bytes[Math.floor(random() * bytes.length)] = random() * 256;
  if (random() < 0.05) bytes = Buffer.alloc(3000 + random() * 4000, 0x20);
  const lines = [
    `${random() < 0.05 ? pick(["GET", "PUT", "BREW", "post"]) : "POST"} ${random() < 0.05 ? pick(["/", "//", "/v1/%", "/v1/images/generations?x", "*", "http://x/v1"]) : "/v1/images/generations"} HTTP/1.1`,
    "host: x",
    `authorization: Bearer ${key}`,
    "content-type: application/json",
    `content-length: ${random() < 0.05 ? bytes.length + 1 : bytes.length}`,
    "connection: close",
  ];
  if (random() < 0.25) lines.splice(1 + Math.floor(random() * 4), 0, pick(HEADERS));
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), bytes]);
}

/** How much of the processor one turn of the event loop takes at the most, however busy the machine is with other things. */
function watchTurns() {
  let longest = 0;
  let stopped = false;
  const used = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let before = used();
  const look = () => {
    const now = used();
    longest = Math.max(longest, now - before);
    before = now;
    if (!stopped) setImmediate(look);
  };
  setImmediate(look);
  return {
    longest: () => longest,
    stop() {
      stopped = true;
    },
  };
}

async function send(port: number, bytes: Buffer): Promise<string> {
  const socket: Socket = connect(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => {
    if (answer.length < 4096) answer += chunk.toString("latin1");
  });
  socket.on("error", () => {});
  socket.end(bytes);
  await once(socket, "close");
  return answer;
}

test(`no mutation of a request ever gets a 5xx or stalls the gateway (ATOMA_FUZZ_SEED=${SEED})`, async () => {
  await using world = await startWorld({ maxBodyBytes: 4096, bodyTimeoutMs: 200, grant: Number.MAX_SAFE_INTEGER });
  // What gets through is answered at once: this test is about what does not.
  world.node.behave = (_job, response) => void response.writeHead(400).end('{"error":{"message":"no"}}');
  const random = generator(SEED);
  const statuses = new Map<number, number>();
  const turns = watchTurns();
  after(turns.stop);
  const memory: number[] = [];
  let sent = 0;

  async function worker(): Promise<void> {
    while (sent < CASES) {
      const number = sent++;
      const bytes = mutate(random, world.key);
      const answer = await send(world.gateway.port, bytes);
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      assert.ok(status < 500, `case ${number} of seed ${SEED}: ${status}\n${bytes.toString("latin1").slice(0, 2000)}`);
      if (number % 2000 === 1999) {
        globalThis.gc?.();
        memory.push(process.memoryUsage().heapUsed);
      }
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, worker));

  for (const status of [400, 401, 404, 405, 413, 415]) assert.ok((statuses.get(status) ?? 0) > 0, `some ${status}`);
  // Without an answer stay only requests whose promised body never came whole.
  assert.ok((statuses.get(0) ?? 0) < CASES / 10, `${statuses.get(0)} without an answer`);
  assert.equal((await world.get("/health")).status, 200);
  assert.equal(await world.pending(), 0);
  // Client, node and gateway share this process, so the bound is wider than the gateway's own.
  assert.ok(turns.longest() < 250, `a turn of the event loop took ${turns.longest()} ms of the processor`);
  const [first = 0] = memory;
  if (globalThis.gc) assert.ok((memory.at(-1) ?? 0) < first + 40e6, "memory stays flat");
});

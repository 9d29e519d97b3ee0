// A node in a process of its own that speaks SGLang's dialect, answers quickly, and does wrong as its seed says.
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import sharp from "sharp";

/** What a test can ask about: `GET /stats`. */
export interface NodeStats {
  readonly started: number;
  /** Answered to the end, rightly or wrongly. */
  readonly ended: number;
  /** Given up because the connection was closed. */
  readonly stopped: number;
  readonly active: number;
}

const { PORT = "0", SEED = "1", FAULTS = "0", MAX_MS = "40" } = process.env;

let state = Number(SEED) >>> 0;
function random(): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
}

const picture = async (size: number) =>
  sharp({ create: { width: size, height: size, channels: 3, background: "teal" } })
    .png()
    .toBuffer();
const [right, wrong] = await Promise.all([picture(256), picture(128)]);
const bodyOf = (bytes: Buffer) => JSON.stringify({ created: 1, data: [{ b64_json: bytes.toString("base64") }] });

const stats = { started: 0, ended: 0, stopped: 0, active: 0 };
let draining = false;

/** Resolves after this long, or at once when the response is closed. */
function pause(response: ServerResponse, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    response.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

const busy = (response: ServerResponse, status: number) =>
  void response.writeHead(status, { "retry-after-ms": "100" }).end("{}");

async function trickle(response: ServerResponse): Promise<void> {
  const body = Buffer.from(bodyOf(right));
  response.writeHead(200);
  for (let at = 0; at < body.length && !response.destroyed; at += 100) {
    response.write(body.subarray(at, at + 100));
    await pause(response, 5);
  }
  response.end();
}

const FAULTY: readonly ((response: ServerResponse) => Promise<void> | void)[] = [
  (response) => void response.socket?.resetAndDestroy(),
  (response) => void response.writeHead(200).write("{", () => response.socket?.resetAndDestroy()),
  () => {}, // hangs
  trickle,
  (response) => void response.end("<html>not today</html>"),
  (response) => void response.end(bodyOf(wrong)),
  (response) => void response.end(bodyOf(right).slice(0, -30)),
  (response) => void response.writeHead(500).end('{"detail":"CUDA out of memory"}'),
  (response) => busy(response, 429),
  (response) => busy(response, 503),
];

async function generate(response: ServerResponse): Promise<void> {
  if (draining) return busy(response, 503);
  stats.started++;
  stats.active++;
  response.once("close", () => {
    stats.active--;
    if (response.writableFinished) stats.ended++;
    else stats.stopped++;
  });
  if (FAULTS === "1" && random() < 0.15) {
    await FAULTY[Math.floor(random() * FAULTY.length)]?.(response);
    return;
  }
  await pause(response, random() * Number(MAX_MS));
  if (!response.destroyed) response.writeHead(200, { "content-type": "application/json" }).end(bodyOf(right));
}

const server = createServer((request, response) => {
  if (request.url === "/stats") return void response.end(JSON.stringify(stats));
  if (request.url === "/health") return void response.writeHead(draining ? 503 : 200).end();
  request.resume().once("end", () => void generate(response));
});
server.keepAliveTimeout = 60_000;
server.listen(Number(PORT), "127.0.0.1");
await once(server, "listening");
process.stdout.write(`ready ${(server.address() as AddressInfo).port}\n`);

// Finishes what runs, refuses the rest, and goes.
process.once("SIGTERM", async () => {
  draining = true;
  while (stats.active > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  server.closeAllConnections();
  server.close();
});

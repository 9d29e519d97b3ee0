// One of the benchmark's processes: `node`, `floor` or `gateway`. Speaks with its parent over IPC.
import { mkdir } from "node:fs/promises";
import { Agent, createServer, type RequestListener, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { toModelObject } from "@atoma/contract";
import { startGateway } from "@atoma/gateway";
import { openLedger } from "@atoma/ledger";
import { Encoder } from "cbor-x";
import pino from "pino";
import { card } from "../../packages/gateway/test/support/scripted-node.ts";
import { pictureOf } from "./picture.ts";

const [role = "", target = "", folder = "", ...options] = process.argv.slice(2);
const tell = (message: object) => process.send?.(message);

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer({ keepAliveTimeout: 600_000 }, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers at once, with pictures as its prompt says, such as `2048x1` or `2000000x4`: events for a gateway, JSON for others. */
async function startNode(): Promise<string> {
  const encoder = new Encoder({ useRecords: false, tagUint8Array: false });
  const details = { text_tokens: 3, image_tokens: 0 };
  const usage = { total_tokens: 19, input_tokens: 3, output_tokens: 16, input_tokens_details: details };
  const answers = new Map<string, { events: Buffer; json: Buffer }>();
  async function answerOf(prompt: string) {
    const known = answers.get(prompt);
    if (known) return known;
    const [size = 0, count = 1] = prompt.split("x").map(Number);
    const bytes = await pictureOf(size);
    const images = Array.from({ length: count }, (_, index) => ({ type: "image", index, bytes, seed: 7 + index }));
    const events = Buffer.concat([...images, { type: "done", usage }].map((event) => encoder.encode(event)));
    const data = images.map(() => ({ b64_json: bytes.toString("base64") }));
    const answer = { events, json: Buffer.from(JSON.stringify({ created: 1, data, usage })) };
    answers.set(prompt, answer);
    return answer;
  }
  const models = JSON.stringify({ object: "list", data: [toModelObject(card)] });
  return listen((incoming, response) => {
    if (incoming.method === "GET") {
      response.end(incoming.url === "/v1/models" ? models : "{}");
      return;
    }
    let body = "";
    incoming.on("data", (chunk) => {
      body += chunk;
    });
    incoming.on("end", async () => {
      const answer = await answerOf(JSON.parse(body).prompt);
      const cbor = incoming.headers.accept?.includes("cbor-seq");
      response.writeHead(200, { "content-type": cbor ? "application/cbor-seq" : "application/json" });
      response.end(cbor ? answer.events : answer.json);
    });
  });
}

/** The least that stands between client and node: bytes in, bytes out. */
function startFloor(): Promise<string> {
  const agent = new Agent({ keepAlive: true });
  return listen((incoming, response) => {
    const { method = "GET", headers } = incoming;
    const onward = request(target + incoming.url, { agent, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(onward);
  });
}

async function startGatewayProcess(): Promise<{ url: string; key: string }> {
  await mkdir(folder, { recursive: true });
  const ledgerUrl = options.find((option) => option.startsWith("postgres:")) ?? `sqlite:${join(folder, "ledger.db")}`;
  const ledger = await openLedger(ledgerUrl);
  const account = await ledger.createAccount({ name: "bench" });
  await ledger.grant(account.id, Number.MAX_SAFE_INTEGER, { reference: "bench" });
  const { key } = await ledger.createKey({ accountId: account.id, name: "bench" });
  const log = pino({ level: "info" }, pino.destination({ dest: join(folder, "log"), sync: false }));
  const nodes = target.split(",").map((url, i) => ({
    name: `n${i}`,
    url,
    maxConcurrent: 1024,
    trusted: options.includes("trusted"),
  }));
  const { url } = await startGateway({
    host: "127.0.0.1",
    port: 0,
    ledger,
    log,
    nodes,
    filesDir: join(folder, "files"),
  });
  return { url, key };
}

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

process.on("message", (what) => {
  if (what === "stall") {
    const ms = delay.max / 1e6;
    delay.reset();
    return tell({ ms });
  }
  if (what === "cpu") return tell({ cpu: process.cpuUsage() });
  globalThis.gc?.();
  return tell({ memory: process.memoryUsage(), resident: process.resourceUsage().maxRSS * 1024 });
});
process.on("disconnect", () => process.exit());

if (role === "node") tell({ url: await startNode() });
if (role === "floor") tell({ url: await startFloor() });
if (role === "gateway") tell(await startGatewayProcess());
